// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/documents/document_file.h"

#include <gmock/gmock.h>

#include "tests/unit/hub/signing/documents/pictures.h"

namespace latchkey::hub::signing {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Type {
  const char* name;
  std::string (*make)(const Shape& shape);
};
const Type kTypes[] = {{"card.bmp", [](const Shape& shape) { return bmp(shape); }},
                       {"card.jpg", jpeg},
                       {"card.gif", [](const Shape& shape) { return gif(shape); }},
                       {"card.tif", [](const Shape& shape) { return tiff(shape); }},
                       {"card.pdf", pdf}};

// "" when it is taken.
std::string refusal(const std::string& name, const std::string& file) {
  const auto checked = check_document_file(name, ByteView(file));
  return checked ? "" : checked.error().detail;
}

// Rows: S-6-80
TEST(DocumentFiles, five_types_are_told_by_their_content_and_have_to_be_called_so) {
  for (const auto& type : kTypes) {
    const auto file = type.make({});
    EXPECT_EQ(refusal(type.name, file), "");
    std::string loud = type.name;
    for (auto& letter : loud) letter = static_cast<char>(std::toupper(letter));
    EXPECT_EQ(refusal(loud, file), "");
    for (const auto& other : kTypes) {
      if (&other == &type) continue;
      EXPECT_THAT(refusal(other.name, file), StartsWith("'" + std::string(other.name) + "' is a .")) << type.name;
    }
    for (const auto* other : {"card", "card.png", "card.jpeg", ".bmp", "", "jpg"}) {
      EXPECT_THAT(refusal(other, file), HasSubstr("by its content")) << type.name;
    }
  }
  EXPECT_EQ(refusal("card.png", "\x89PNG\r\n" + noise(40'000)), "'card.png' is no BMP, JPEG, GIF, TIFF or PDF");
  EXPECT_EQ(refusal("card.txt", noise(40'000)), "'card.txt' is no BMP, JPEG, GIF, TIFF or PDF");
}

// Rows: S-6-81
TEST(DocumentFiles, have_30_kb_to_5_mb) {
  const std::size_t rest = jpeg({.data = 0}).size();
  const auto of_size = [&](std::size_t size) { return refusal("card.jpg", jpeg({.data = size - rest})); };
  EXPECT_THAT(of_size(kDocumentFileMin - 1), StartsWith("'card.jpg' has 30719 bytes"));
  EXPECT_EQ(of_size(kDocumentFileMin), "");
  EXPECT_EQ(of_size(kDocumentFileMax), "");
  EXPECT_THAT(of_size(kDocumentFileMax + 1), StartsWith("'card.jpg' has 5242881 bytes"));
  EXPECT_THAT(refusal("card.jpg", ""), HasSubstr("0 bytes"));
}

// Rows: S-6-82
TEST(DocumentFiles, have_at_least_600_by_370_pixels) {
  for (const auto& type : kTypes) {
    EXPECT_EQ(refusal(type.name, type.make({.width = 600, .height = 370})), "");
    EXPECT_THAT(refusal(type.name, type.make({.width = 599, .height = 370})), HasSubstr("has 599 x 370 pixels"));
    EXPECT_THAT(refusal(type.name, type.make({.width = 600, .height = 369})), HasSubstr("has 600 x 369 pixels"));
  }
}

// Rows: S-6-83
TEST(DocumentFiles, are_in_colour) {
  for (const auto& type : kTypes) {
    const auto grey = refusal(type.name, type.make({.width = 1000, .height = 900, .colour = Colour::kGrey}));
    EXPECT_THAT(grey, HasSubstr("is grey")) << type.name;
  }
  for (const auto& type : {kTypes[0], kTypes[3], kTypes[4]}) {
    const auto two = refusal(type.name, type.make({.width = 1000, .height = 900, .colour = Colour::kBlackAndWhite}));
    EXPECT_THAT(two, HasSubstr("is black and white")) << type.name;
  }
}

// Rows: S-6-84
TEST(DocumentFiles, have_200_dpi_or_more_unless_their_type_has_none) {
  for (const auto& type : kTypes) {
    const bool none = std::string(type.name).ends_with(".gif");
    EXPECT_EQ(refusal(type.name, type.make({.dpi = 200})), "");
    EXPECT_EQ(refusal(type.name, type.make({.dpi = 400})), "");
    const auto low = refusal(type.name, type.make({.dpi = 199}));
    EXPECT_EQ(low, none ? "" : "'" + std::string(type.name) + "' has 199 DPI: 200 or more are asked for");
  }
  for (const auto& type : {kTypes[0], kTypes[1], kTypes[3]}) {
    EXPECT_THAT(refusal(type.name, type.make({.dpi = 0})), HasSubstr("does not say its resolution")) << type.name;
  }
}

// Rows: S-6-85
TEST(DocumentFiles, have_one_picture_each) {
  EXPECT_EQ(refusal("a.gif", gif({}, 2)), "'a.gif' holds several pictures: one a file");
  EXPECT_EQ(refusal("a.gif", gif({}, 0) + noise(40'000)), "'a.gif' holds no picture");
  EXPECT_EQ(refusal("a.tif", tiff({}, true, 8)), "'a.tif' holds several pictures: one a file");
  EXPECT_EQ(refusal("a.jpg", jpeg({}) + jpeg({})), "'a.jpg' holds several pictures: one a file");
  auto pages = pdf_objects({});
  pages[1].replace(pages[1].find("[3 0 R]"), 7, "[3 0 R 7 0 R]");
  pages.push_back(pages[2]);
  EXPECT_EQ(refusal("a.pdf", pdf_of(pages)), "'a.pdf' holds several pages: one picture a file");
  auto two = pdf_objects({});
  two[1].replace(two[1].find("/Im0 4 0 R"), 10, "/Im0 4 0 R /Im1 7 0 R");
  two.push_back(two[3]);
  EXPECT_EQ(refusal("a.pdf", pdf_of(two)), "'a.pdf' holds several pictures: one a file");
}

TEST(DocumentFiles, names_that_are_long_or_control_terminals_are_shown_tamely) {
  EXPECT_THAT(refusal("a\x1b[2J'\n\xff.jpg", "x"), StartsWith("'a?[2J???.jpg' has 1 bytes"));
  EXPECT_THAT(refusal(std::string(100'000, 'n'), "x"), StartsWith("'" + std::string(64, 'n') + "' has 1 bytes"));
}

}  // namespace
}  // namespace latchkey::hub::signing
