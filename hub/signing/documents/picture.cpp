// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/documents/picture.h"

#include "hub/signing/documents/internal/formats.h"

namespace latchkey::hub::signing {
namespace {

struct Reader {
  std::string_view begins;
  Outcome<Picture> (*read)(ByteView file);
};
using namespace std::string_view_literals;
constexpr Reader kReaders[] = {{"BM", read_bmp},       {"\xff\xd8\xff", read_jpeg}, {"GIF87a", read_gif},
                               {"GIF89a", read_gif},   {"II*\0"sv, read_tiff},      {"MM\0*"sv, read_tiff},
                               {"II+\0"sv, read_tiff}, {"MM\0+"sv, read_tiff},      {"%PDF-", read_pdf}};

}  // namespace

std::string_view extension_of(FileType type) {
  switch (type) {
    case FileType::kBmp: return ".bmp";
    case FileType::kJpeg: return ".jpg";
    case FileType::kGif: return ".gif";
    case FileType::kTiff: return ".tif";
    case FileType::kPdf: break;
  }
  return ".pdf";
}

Outcome<Picture> read_picture(ByteView file) {
  for (const auto& one : kReaders) {
    if (!file.text().starts_with(one.begins)) continue;
    LATCHKEY_TRY(picture, one.read(file));
    if (picture.width == 0 || picture.height == 0) return refuse(Status::kMalformed, "has a picture without pixels");
    return picture;
  }
  return refuse(Status::kUnsupported, "is no BMP, JPEG, GIF, TIFF or PDF");
}

}  // namespace latchkey::hub::signing
