// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/documents/document_file.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace latchkey::hub::signing {
namespace {

// At most 64 characters, none of which do anything to a terminal.
std::string shown(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  std::string text(name.substr(0, kLongest));
  for (auto& letter : text) {
    if (letter < ' ' || letter > '~' || letter == '\'') letter = '?';
  }
  return "'" + text + "' ";
}

bool ends_with(std::string_view name, std::string_view extension) {
  if (name.size() <= extension.size()) return false;
  const auto end = name.substr(name.size() - extension.size());
  return std::equal(end.begin(), end.end(), extension.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

Outcome<void> check_size(std::size_t size) {
  const auto has = "has " + std::to_string(size) + " bytes: ";
  if (size < kDocumentFileMin) return refuse(Status::kRefused, has + "30 KB or more are asked for");
  if (size > kDocumentFileMax) return refuse(Status::kRefused, has + "5 MB are the most");
  return {};
}

// Files say 7874 pixels a metre or 78.74 a centimetre and mean 200 an inch.
Outcome<void> check_resolution(const Picture& picture) {
  if (picture.type == FileType::kGif) return {};
  if (picture.dpi <= 0) return refuse(Status::kRefused, "does not say its resolution: 200 DPI or more are asked for");
  if (std::round(picture.dpi) >= kDocumentDpiMin) return {};
  const auto dpi = std::to_string(static_cast<int>(std::round(picture.dpi)));
  return refuse(Status::kRefused, "has " + dpi + " DPI: 200 or more are asked for");
}

Outcome<void> check_picture(const Picture& picture) {
  if (picture.width < kDocumentWidthMin || picture.height < kDocumentHeightMin) {
    return refuse(Status::kRefused, "has " + std::to_string(picture.width) + " x " + std::to_string(picture.height) +
                                        " pixels: at least 600 x 370 are asked for");
  }
  if (picture.colour == Colour::kBlackAndWhite)
    return refuse(Status::kRefused, "is black and white: colour is asked for");
  if (picture.colour == Colour::kGrey) return refuse(Status::kRefused, "is grey: colour is asked for");
  return check_resolution(picture);
}

Outcome<Picture> check(std::string_view name, ByteView file) {
  LATCHKEY_TRY_VOID(check_size(file.size()));
  LATCHKEY_TRY(picture, read_picture(file));
  const auto extension = extension_of(picture.type);
  if (!ends_with(name, extension)) {
    return refuse(Status::kRefused, "is a " + std::string(extension) + " by its content, and not called so");
  }
  LATCHKEY_TRY_VOID(check_picture(picture));
  return picture;
}

}  // namespace

Outcome<Picture> check_document_file(std::string_view name, ByteView file) {
  auto checked = check(name, file);
  if (!checked) return refuse(checked.error().status, shown(name) + checked.error().detail);
  return checked;
}

}  // namespace latchkey::hub::signing
