// SPDX-License-Identifier: Apache-2.0
// JPEG: segments, each with its marker, to the end of the image (ITU-T T.81 annex B); the resolution is JFIF's
// (ITU-T T.871) or, where that has none, EXIF's.
#include <algorithm>

#include "hub/signing/documents/internal/formats.h"

namespace latchkey::hub::signing {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kEndOfImage = 0xd9;
constexpr std::uint32_t kStartOfImage = 0xd8;
constexpr std::uint32_t kStartOfScan = 0xda;
constexpr std::uint32_t kApp0 = 0xe0;
constexpr std::uint32_t kApp1 = 0xe1;
constexpr std::uint32_t kApp2 = 0xe2;

bool stands_alone(std::uint32_t marker) { return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7); }
// C0 to CF, but for the tables DHT, DAC and the reserved JPG.
bool starts_frame(std::uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

class Jpeg {
 public:
  explicit Jpeg(ByteView file) : file_(file), in_(file, Cursor::Order::kBig) { picture_.type = FileType::kJpeg; }

  Outcome<Picture> read() {
    std::size_t at = 2;
    for (;;) {
      while (in_.u8(at) == 0xff && in_.u8(at + 1) == 0xff && !in_.cut()) ++at;  // fill bytes
      const auto marker = in_.u8(at + 1);
      if (in_.cut()) return cut_off();
      if (in_.u8(at) != 0xff || marker == 0 || marker == kStartOfImage) {
        return refuse(Status::kMalformed, "is a JPEG whose segments do not follow each other");
      }
      if (marker == kEndOfImage) break;
      at += 2;
      if (stands_alone(marker)) continue;
      const auto length = in_.u16(at);
      if (length < 2 || !in_.holds(at, length)) return cut_off();
      LATCHKEY_TRY_VOID(segment(marker, file_.subview(at + 2, length - 2)));
      at += length;
      if (marker == kStartOfScan) at = after_scan(at);
    }
    if (frames_ == 0 || !scanned_) return refuse(Status::kRefused, "holds no picture");
    // Whatever follows the end may be a second picture, as in an MPO.
    if (file_.text().substr(at + 2).find("\xff\xd8\xff"sv) != std::string_view::npos) return several();
    if (picture_.dpi <= 0) picture_.dpi = exif_;
    return picture_;
  }

 private:
  Outcome<void> segment(std::uint32_t marker, ByteView data);
  // At the next marker that is not part of the coded data.
  std::size_t after_scan(std::size_t at) {
    scanned_ = true;
    for (; at + 1 < file_.size(); ++at) {
      const auto next = file_[at + 1];
      if (file_[at] == 0xff && next != 0 && next != 0xff && !stands_alone(next)) return at;
    }
    return file_.size();
  }

  ByteView file_;
  Cursor in_;
  Picture picture_;
  double exif_ = 0;
  int frames_ = 0;
  bool scanned_ = false;
};

Outcome<void> Jpeg::segment(std::uint32_t marker, ByteView data) {
  Cursor in(data, Cursor::Order::kBig);
  if (starts_frame(marker)) {
    if (++frames_ > 1) return several();
    picture_.height = in.u16(1);
    picture_.width = in.u16(3);
    picture_.colour = in.u8(5) >= 3 ? Colour::kColour : Colour::kGrey;  // components
    if (in.cut()) return cut_off();
  } else if (marker == kApp0 && data.text().starts_with("JFIF\0"sv)) {
    const auto unit = in.u8(7);  // 0: a ratio alone
    const double density = std::min(in.u16(8), in.u16(10));
    if (in.cut()) return cut_off();
    if (unit == 1) picture_.dpi = density;
    if (unit == 2) picture_.dpi = density * kCentimetresAnInch;
  } else if (marker == kApp1 && data.text().starts_with("Exif\0\0"sv)) {
    exif_ = exif_dpi(data.subview(6, data.size()));
  } else if (marker == kApp2 && data.text().starts_with("MPF\0"sv)) {
    return several();
  }
  return {};
}

}  // namespace

Outcome<Picture> read_jpeg(ByteView file) { return Jpeg(file).read(); }

}  // namespace latchkey::hub::signing
