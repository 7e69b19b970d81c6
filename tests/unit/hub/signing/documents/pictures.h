// SPDX-License-Identifier: Apache-2.0
// Pictures made from their headers: what is said of them can be chosen, the pixels are noise.
#pragma once

#include <string>
#include <vector>

#include "hub/signing/documents/document_file.h"

namespace latchkey::hub::signing {

struct Shape {
  std::uint32_t width = 640;
  std::uint32_t height = 400;
  std::uint32_t dpi = 200;
  Colour colour = Colour::kColour;
  std::size_t data = 40 * 1024;  // bytes of pixels, where the type lets us choose
};

// A number of 1, 2 or 4 bytes.
inline std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
inline std::string big(std::uint64_t value, int bytes) {
  const auto text = little(value, bytes);
  return {text.rbegin(), text.rend()};
}
// Holds nothing that a format could take for a marker.
inline std::string noise(std::size_t count) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('A' + i * 7 % 26);
  return text;
}

inline std::string bmp(const Shape& shape, bool upside_down = false) {
  const std::uint32_t bits = shape.colour == Colour::kColour ? 24 : shape.colour == Colour::kGrey ? 8 : 1;
  const std::uint32_t entries = bits == 24 ? 0 : 1u << bits;
  const std::uint64_t row = (std::uint64_t{shape.width} * bits + 31) / 32 * 4;
  const std::uint64_t begin = 54 + 4 * entries;
  std::string file = "BM" + little(begin + row * shape.height, 4) + little(0, 4) + little(begin, 4);
  file += little(40, 4) + little(shape.width, 4);
  file += little(upside_down ? std::uint64_t{0} - shape.height : shape.height, 4);
  file += little(1, 2) + little(bits, 2) + little(0, 4) + little(0, 4);
  const auto per_metre = shape.dpi * 10'000ull / 254;  // rounded down, as programs do
  file += little(per_metre, 4) + little(per_metre, 4) + little(0, 4) + little(0, 4);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const auto level = static_cast<char>(i * 255 / (entries - 1));
    file += std::string(3, level) + '\0';
  }
  return file + noise(row * shape.height);
}

inline std::string gif_blocks(std::size_t count) {
  std::string blocks;
  for (std::size_t left = count; left > 0;) {
    const auto now = std::min<std::size_t>(left, 255);
    blocks += static_cast<char>(now) + noise(now);
    left -= now;
  }
  return blocks + '\0';
}
inline std::string gif_image(const Shape& shape) {
  return "\x2c" + little(0, 4) + little(shape.width, 2) + little(shape.height, 2) + std::string(1, '\0') + "\x08" +
         gif_blocks(shape.data);
}
inline std::string gif(const Shape& shape, int images = 1) {
  const bool colour = shape.colour == Colour::kColour;
  std::string file = "GIF89a" + little(shape.width, 2) + little(shape.height, 2) + "\x80" + little(0, 2);
  file += std::string(3, '\0') + (colour ? std::string("\xff\x10\x20") : std::string("\xff\xff\xff"));
  file += "\x21\xfe" + gif_blocks(5);  // a comment
  for (int i = 0; i < images; ++i) file += gif_image(shape);
  return file + "\x3b";
}

inline std::string tiff(const Shape& shape, bool little_endian = true, std::uint32_t next = 0,
                        std::uint32_t compression = 5, std::uint32_t unit = 2) {
  const auto number = [&](std::uint64_t value, int bytes) {
    return little_endian ? little(value, bytes) : big(value, bytes);
  };
  const bool colour = shape.colour == Colour::kColour;
  const auto short_tag = [&](std::uint32_t tag, std::uint32_t value) {
    return number(tag, 2) + number(3, 2) + number(1, 4) + number(value, 2) + std::string(2, '\0');
  };
  const auto tag = [&](std::uint32_t name, std::uint32_t type, std::uint32_t count, std::uint32_t value) {
    return number(name, 2) + number(type, 2) + number(count, 4) + number(value, 4);
  };
  constexpr std::uint32_t kTags = 12;
  constexpr std::uint32_t kRatios = 8 + 2 + kTags * 12 + 4;
  constexpr std::uint32_t kData = kRatios + 16;
  std::string file = (little_endian ? "II" : "MM") + number(42, 2) + number(8, 4) + number(kTags, 2);
  file += tag(256, 4, 1, shape.width) + tag(257, 4, 1, shape.height);
  file += short_tag(258, shape.colour == Colour::kBlackAndWhite ? 1 : 8) + short_tag(259, compression);
  file += short_tag(262, colour ? 2 : 1) + tag(273, 4, 1, kData) + short_tag(277, colour ? 3 : 1);
  file += tag(278, 4, 1, shape.height) + tag(279, 4, 1, static_cast<std::uint32_t>(shape.data));
  file += tag(282, 5, 1, kRatios) + tag(283, 5, 1, kRatios + 8) + short_tag(296, unit);
  file += number(next, 4);
  for (int i = 0; i < 2; ++i) file += number(shape.dpi, 4) + number(1, 4);
  return file + noise(shape.data);
}

inline std::string segment(char marker, const std::string& data) {
  return std::string("\xff") + marker + big(data.size() + 2, 2) + data;
}
// `unit`: 0 a ratio, 1 an inch, 2 a centimetre.
inline std::string jfif(std::uint32_t density, std::uint32_t unit = 1) {
  return segment('\xe0', std::string("JFIF\0\1\2", 7) + big(unit, 1) + big(density, 2) + big(density, 2) + big(0, 2));
}
inline std::string jpeg_around(const Shape& shape, const std::string& segments) {
  const std::uint32_t components = shape.colour == Colour::kColour ? 3 : 1;
  std::string frame = big(8, 1) + big(shape.height, 2) + big(shape.width, 2) + big(components, 1);
  for (std::uint32_t i = 0; i < components; ++i) frame += big(i + 1, 1) + big(0x11, 1) + big(0, 1);
  const std::string scan = big(1, 1) + big(1, 1) + big(0, 1) + big(0, 1) + big(63, 1) + big(0, 1);
  return "\xff\xd8" + segments + segment('\xc0', frame) + segment('\xda', scan) + noise(shape.data) +
         std::string("\xff\0\xff\xd3", 4) + noise(10) + "\xff\xd9";
}
inline std::string jpeg(const Shape& shape) { return jpeg_around(shape, jfif(shape.dpi)); }
inline std::string exif(std::uint32_t dpi) {
  return segment('\xe1', std::string("Exif\0\0", 6) + tiff({.dpi = dpi, .data = 4}));
}

inline std::string pdf_of(const std::vector<std::string>& objects, const std::string& trailer = "/Root 1 0 R") {
  std::string file = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (!objects[i].empty()) file += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const auto at = std::to_string(file.size());
  file += "xref\n0 1\n0000000000 65535 f \n";
  return file + "trailer\n<< /Size 9 " + trailer + " >>\nstartxref\n" + at + "\n%%EOF";
}
inline std::string pdf_stream(const std::string& dictionary, const std::string& data) {
  return "<< " + dictionary + " /Length " + std::to_string(data.size()) + " >>\nstream\n" + data + "\nendstream";
}
inline std::string pdf_picture(const Shape& shape, const std::string& more = "/Filter /FlateDecode") {
  const std::string space = shape.colour == Colour::kColour ? "[ /ICCBased 6 0 R ]" : "/DeviceGray";
  const std::string bits = shape.colour == Colour::kBlackAndWhite ? "1" : "8";
  return pdf_stream("/Type /XObject /Subtype /Image /Width " + std::to_string(shape.width) + " /Height " +
                        std::to_string(shape.height) + " /BitsPerComponent " + bits + " /ColorSpace " + space + " " +
                        more,
                    noise(shape.data));
}
// Its page is as large as the picture at that resolution.
inline std::vector<std::string> pdf_objects(const Shape& shape) {
  const auto points = [&](std::uint32_t pixels) { return std::to_string(pixels * 72.0 / shape.dpi); };
  const auto box = "[0 0 " + points(shape.width) + " " + points(shape.height) + "]";
  return {"<< /Type /Catalog /Pages 2 0 R >>",
          "<< /Type /Pages /Count 1 /Kids [3 0 R] /MediaBox " + box + " /Resources << /XObject << /Im0 4 0 R >> >> >>",
          "<< /Type /Page /Parent 2 0 R /Contents 5 0 R >>",
          pdf_picture(shape),
          pdf_stream("", "q 1 0 0 1 0 0 cm /Im0 Do Q"),
          pdf_stream("/N 3", "icc")};
}
inline std::string pdf(const Shape& shape) { return pdf_of(pdf_objects(shape)); }

}  // namespace latchkey::hub::signing
