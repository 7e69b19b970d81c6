// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/documents/picture.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/unit/hub/signing/documents/pictures.h"

namespace latchkey::hub::signing {
namespace {

using testing::HasSubstr;

Outcome<Picture> read(const std::string& file) { return read_picture(ByteView(file)); }
std::string refusal(const std::string& file) {
  const auto picture = read(file);
  return picture ? "" : picture.error().detail;
}
double dpi(const std::string& file) {
  const auto picture = read(file);
  EXPECT_TRUE(picture) << picture.error().detail;
  return picture ? picture->dpi : -1;
}
std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

// RFC 1950 with one block that is stored, not compressed.
std::string stored(const std::string& text) {
  return "\x78\x01\x01" + little(text.size(), 2) + little(~text.size(), 2) + text + "none";
}
// The page tree in a packed stream, as most programs write it today.
std::string packed_pdf(const std::string& places = "") {
  auto objects = pdf_objects({});
  const auto pairs = places.empty() ? "1 0 2 " + std::to_string(objects[0].size() + 1) + " " : places;
  const auto packed = stored(pairs + objects[0] + " " + objects[1]);
  objects[0] = objects[1] = "";
  objects.push_back(
      pdf_stream("/Type /ObjStm /N 2 /First " + std::to_string(pairs.size()) + " /Filter /FlateDecode", packed));
  objects.push_back(pdf_stream("/Type /XRef /Root 1 0 R", "places"));
  return replaced(pdf_of(objects), "/Root 1 0 R >>\nstartxref", ">>\nstartxref");
}

std::vector<std::string> all_kinds() {
  const Shape small{.width = 8, .height = 6, .data = 300};
  return {bmp(small),
          bmp({.width = 8, .height = 6, .colour = Colour::kGrey}),
          gif(small),
          jpeg(small),
          jpeg_around(small, exif(300)),
          tiff(small),
          tiff(small, false),
          pdf(small),
          packed_pdf()};
}

TEST(Pictures, size_and_resolution_are_read_from_every_type) {
  const Shape shape{.width = 1234, .height = 567, .dpi = 300};
  for (const auto& file :
       {bmp(shape), bmp(shape, true), gif(shape), jpeg(shape), tiff(shape), tiff(shape, false), pdf(shape)}) {
    const auto picture = read(file);
    ASSERT_TRUE(picture) << file.substr(0, 8) << " " << picture.error().detail;
    EXPECT_EQ(picture->width, 1234u);
    EXPECT_EQ(picture->height, 567u);
    EXPECT_EQ(picture->colour, Colour::kColour);
    EXPECT_NEAR(picture->dpi, picture->type == FileType::kGif ? 0 : 300, 0.1);
  }
}

// Rows: S-6-84
TEST(Pictures, resolution_is_in_the_units_of_its_type) {
  EXPECT_NEAR(dpi(jpeg_around({}, jfif(79, 2))), 200.66, 0.01);  // a centimetre
  EXPECT_EQ(dpi(jpeg_around({}, jfif(300, 0))), 0);              // a ratio alone
  EXPECT_EQ(dpi(jpeg_around({}, "")), 0);
  EXPECT_EQ(dpi(jpeg_around({}, exif(240))), 240);
  EXPECT_EQ(dpi(jpeg_around({}, jfif(300, 0) + exif(240))), 240);
  EXPECT_EQ(dpi(jpeg_around({}, exif(240) + jfif(300))), 300);  // JFIF comes before EXIF
  EXPECT_NEAR(dpi(tiff({.dpi = 79}, true, 0, 5, 3)), 200.66, 0.01);
  EXPECT_EQ(dpi(tiff({.dpi = 300}, true, 0, 5, 1)), 0);  // no unit
  EXPECT_NEAR(dpi(bmp({.dpi = 200})), 200, 0.1);
  const auto landscape =
      replaced(pdf({.width = 1000, .height = 500, .dpi = 100}), "/Width 1000 /Height 500", "/Width 500 /Height 1000");
  EXPECT_NEAR(dpi(landscape), 100, 0.1);  // printed the other way round
  auto larger = pdf_objects({.dpi = 300});
  larger[2] = replaced(larger[2], "/Type /Page ", "/Type /Page /UserUnit 2 ");
  EXPECT_NEAR(dpi(pdf_of(larger)), 150, 0.1);
}

// Rows: S-6-83
TEST(Pictures, colours_of_palettes_and_spaces_are_looked_at) {
  auto palette = bmp({.width = 8, .height = 6, .colour = Colour::kGrey});
  EXPECT_EQ(read(palette)->colour, Colour::kGrey);
  palette[54 + 4 * 100] = 1;  // one entry of 256
  EXPECT_EQ(read(palette)->colour, Colour::kColour);
  const auto space = [](const std::string& text) {
    const auto picture = read(replaced(pdf({}), "[ /ICCBased 6 0 R ]", text));
    return picture ? static_cast<int>(picture->colour) : -1;
  };
  const int grey = static_cast<int>(Colour::kGrey);
  const int colour = static_cast<int>(Colour::kColour);
  EXPECT_EQ(space("/DeviceRGB"), colour);
  EXPECT_EQ(space("/DeviceCMYK"), colour);
  EXPECT_EQ(space("[/CalRGB << >>]"), colour);
  EXPECT_EQ(space("[/Indexed /DeviceRGB 1 <000000ff0000>]"), colour);
  EXPECT_EQ(space("[/Indexed /DeviceGray 1 <00ff>]"), grey);
  EXPECT_EQ(space("[/CalGray << >>]"), grey);
  EXPECT_EQ(space("[/Separation /Black /DeviceCMYK 6 0 R]"), grey);
  EXPECT_EQ(space("/Unheard"), -1);
  EXPECT_EQ(space("[/Indexed [/Indexed [/Indexed [/Indexed /DeviceRGB]]]]"), -1);
  EXPECT_EQ(read(replaced(pdf({}), "/N 3", "/N 1"))->colour, Colour::kGrey);
  EXPECT_EQ(read(replaced(pdf({}), "/Subtype /Image", "/Subtype /Image /ImageMask true"))->colour,
            Colour::kBlackAndWhite);
}

// Rows: S-6-85
TEST(Pictures, several_are_found_wherever_they_hide) {
  EXPECT_THAT(refusal(jpeg_around({}, segment('\xe2', std::string("MPF\0II", 6)))), HasSubstr("several pictures"));
  EXPECT_THAT(refusal(jpeg({}) + "padding" + jpeg({})), HasSubstr("several pictures"));
  EXPECT_EQ(refusal(jpeg({}) + "padding"), "");
  const auto first = tiff({});
  EXPECT_THAT(refusal(replaced(first, little(278, 2), little(330, 2))), HasSubstr("several pictures"));
  auto form = pdf_objects({});  // a picture of the page, and one of a form on it
  form[1] = replaced(form[1], "/Im0 4 0 R", "/Im0 4 0 R /Fm0 7 0 R");
  form.push_back(pdf_stream("/Subtype /Form /Resources << /XObject << /Im0 4 0 R >> >>", ""));
  EXPECT_EQ(refusal(pdf_of(form)), "") << "the same picture once more";
  form[6] = replaced(form[6], "4 0 R", "8 0 R");
  form.push_back(form[3]);
  EXPECT_THAT(refusal(pdf_of(form)), HasSubstr("several pictures"));
  auto none = pdf_objects({});
  none[1] = replaced(none[1], "/Im0 4 0 R", "");
  EXPECT_THAT(refusal(pdf_of(none)), HasSubstr("holds no picture"));
}

// Rows: S-6-87
TEST(Pictures, circles_end) {
  for (const std::uint32_t next : {8u, 1u, 0xffffffffu}) {
    EXPECT_THAT(refusal(tiff({}, true, next)), HasSubstr("several pictures"));
  }
  EXPECT_THAT(refusal("II*" + little(0, 1) + little(0, 4) + noise(50)), HasSubstr("cut off"));  // itself
  auto tree = pdf_objects({});
  tree[1] = replaced(tree[1], "[3 0 R]", "[2 0 R]");
  EXPECT_THAT(refusal(pdf_of(tree)), HasSubstr("in a circle"));
  auto references = pdf_objects({});
  references[1] = "2 0 R";
  EXPECT_THAT(refusal(pdf_of(references)), HasSubstr("holds no page"));
  auto form = pdf_objects({});
  form[1] = replaced(form[1], "/Im0 4 0 R", "/Fm0 7 0 R");
  form.push_back(pdf_stream("/Subtype /Form /Resources << /XObject << /Fm0 7 0 R >> >>", ""));
  EXPECT_THAT(refusal(pdf_of(form)), HasSubstr("holds no picture"));
}

// Rows: S-6-87
TEST(Pictures, sizes_that_lie_are_refused) {
  auto wide = bmp({.width = 8, .height = 6});
  EXPECT_THAT(refusal(wide.replace(18, 4, little(0x7fffffff, 4))), HasSubstr("cut off"));
  EXPECT_THAT(refusal(wide.replace(22, 4, little(0x80000000, 4))), HasSubstr("cut off"));
  EXPECT_THAT(refusal(wide.replace(18, 4, little(0x80000000, 4))), HasSubstr("does not add up"));
  EXPECT_THAT(refusal(tiff({.width = 60'000, .height = 60'000}, true, 0, 1)), HasSubstr("cut off"));
  EXPECT_EQ(refusal(tiff({.width = 100, .height = 100, .data = 30'000}, true, 0, 1)), "");
  EXPECT_THAT(refusal(tiff({.width = 100, .height = 101, .data = 30'000}, true, 0, 1)), HasSubstr("cut off"));
  EXPECT_THAT(refusal(jpeg({.height = 0})), HasSubstr("without pixels"));
  EXPECT_THAT(refusal(gif({.width = 0})), HasSubstr("without pixels"));
  EXPECT_THAT(refusal(pdf({.width = 0})), HasSubstr("without"));
  // The JPEG in a PDF has to be as large as the PDF says.
  const auto inside = [](const Shape& shape) {
    auto objects = pdf_objects({});
    objects[3] =
        pdf_stream("/Subtype /Image /Width 640 /Height 400 /ColorSpace /DeviceRGB /Filter /DCTDecode", jpeg(shape));
    return refusal(pdf_of(objects));
  };
  EXPECT_EQ(inside({}), "");
  EXPECT_THAT(inside({.width = 100}), HasSubstr("another size"));
  // Lengths of streams that lie do not matter: the end is looked for.
  EXPECT_EQ(refusal(replaced(pdf({}), "/Length 40960", "/Length 40000")), "");
  EXPECT_EQ(refusal(replaced(pdf({}), "/Length 40960", "/Length 99999999999")), "");
}

// Rows: S-6-87
TEST(Pictures, pdfs_that_cannot_be_read_are_refused) {
  EXPECT_EQ(refusal(packed_pdf()), "");
  EXPECT_THAT(refusal(packed_pdf("1 0 2 0 ")), HasSubstr("cannot be read"));  // one over the other
  EXPECT_THAT(refusal(packed_pdf("1 0 2 99999 ")), HasSubstr("cannot be read"));
  EXPECT_THAT(refusal(pdf_of(pdf_objects({}), "/Root 1 0 R /Encrypt 9 0 R")), HasSubstr("encrypted"));
  EXPECT_THAT(refusal(pdf_of(pdf_objects({}), "/Root 77 0 R")), HasSubstr("cut off"));
  for (const auto& bad : {std::string(1000, '['), std::string(100'000, '('), std::string("<< /A"), std::string(")")}) {
    EXPECT_NE(refusal("%PDF-1.4\n1 0 obj " + bad + "\n%%EOF"), "");
  }
  std::string many = "%PDF-1.4\n1 0 obj [";
  for (int i = 0; i < 250'000; ++i) many += "0 ";
  EXPECT_THAT(refusal(many + "] endobj\n%%EOF"), HasSubstr("cannot be read"));
  // What unpacks without an end: 2 bytes of deflate that say 258 zeros, again and again.
  std::string bomb = "\x78\xda\xed\xc1\x01\x0d";
  bomb += std::string(200'000, '\0');
  auto objects = pdf_objects({});
  objects.push_back(pdf_stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", bomb));
  EXPECT_NE(refusal(pdf_of(objects)), "");
}

// Rows: S-6-87
TEST(Pictures, cut_at_any_byte_they_are_refused) {
  for (const auto& file : all_kinds()) {
    ASSERT_EQ(refusal(file), "");
    // Those that are long are cut at every byte of both ends.
    for (std::size_t size = 0; size < file.size(); ++size) {
      if (size == 2000 && file.size() > 4000) size = file.size() - 2000;
      const std::vector<char> exactly(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(read_picture(ByteView(exactly))) << file.substr(0, 4) << " cut to " << size;
    }
  }
}

// Rows: S-6-87
TEST(Pictures, flipped_bits_end_in_an_answer) {
  constexpr unsigned kSeed = 20'260'101;
  std::mt19937 random(kSeed);
  int taken = 0;
  int refused = 0;
  for (const auto& file : all_kinds()) {
    const std::size_t within = std::min<std::size_t>(file.size(), 1500);  // where the headers are
    for (int i = 0; i < 3000; ++i) {
      std::vector<char> bad(file.begin(), file.end());
      for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
        bad[random() % within] = static_cast<char>(random());
      }
      const auto picture = read_picture(ByteView(bad));
      ++(picture ? taken : refused);
      if (!picture) {
        EXPECT_FALSE(picture.error().detail.empty());
      } else {
        EXPECT_GT(picture->width, 0u);
      }
    }
  }
  EXPECT_GT(taken, 0);  // pixels may be anything
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace latchkey::hub::signing
