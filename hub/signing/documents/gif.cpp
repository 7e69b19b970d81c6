// SPDX-License-Identifier: Apache-2.0
// GIF87a and GIF89a: a screen, then blocks to the trailer. A GIF has no resolution.
#include "hub/signing/documents/internal/formats.h"

namespace latchkey::hub::signing {
namespace {

constexpr std::uint32_t kExtension = 0x21;
constexpr std::uint32_t kImage = 0x2c;
constexpr std::uint32_t kTrailer = 0x3b;
constexpr std::size_t kScreenEnd = 13;
constexpr std::size_t kImageHeader = 10;

// Bytes of the table of colours that these flags announce.
std::size_t table_size(std::uint32_t flags) { return (flags & 0x80) != 0 ? std::size_t{3} << ((flags & 7) + 1) : 0; }

// Behind the blocks of data that begin at `at`; each has its length before it, the last one is empty. Every step moves
// on, so the file's end ends it.
std::size_t after_blocks(Cursor& in, std::size_t at) {
  while (!in.cut()) {
    const auto length = in.u8(at);
    at += 1 + length;
    if (length == 0) break;
  }
  return at;
}

struct Image {
  Picture picture;
  std::size_t end = 0;
};
Image read_image(Cursor& in, std::size_t at, Colour of_screen) {
  Image image;
  image.picture.type = FileType::kGif;
  image.picture.width = in.u16(at + 5);
  image.picture.height = in.u16(at + 7);
  const auto own = table_size(in.u8(at + 9));
  image.picture.colour = of_screen;
  if (own > 0 && in.holds(at + kImageHeader, own)) {
    image.picture.colour = colour_of_palette(in.bytes().subview(at + kImageHeader, own), 3);
  }
  const auto data = at + kImageHeader + own + 1;  // after the length of the first codes
  (void)in.u8(data - 1);
  if (in.u8(data) == 0) image.picture.width = 0;  // no pixels
  image.end = after_blocks(in, data);
  return image;
}

}  // namespace

Outcome<Picture> read_gif(ByteView file) {
  Cursor in(file, Cursor::Order::kLittle);
  const auto table = table_size(in.u8(10));
  if (!in.holds(kScreenEnd, table)) return cut_off();
  const auto of_screen = colour_of_palette(file.subview(kScreenEnd, table), 3);
  Picture picture;
  int pictures = 0;
  for (std::size_t at = kScreenEnd + table;;) {
    const auto kind = in.u8(at);
    if (in.cut()) return cut_off();
    if (kind == kTrailer) break;
    if (kind == kExtension) {
      at = after_blocks(in, at + 2);
    } else if (kind == kImage) {
      const auto image = read_image(in, at, of_screen);
      if (++pictures > 1) return several();
      picture = image.picture;
      at = image.end;
    } else {
      return refuse(Status::kMalformed, "is a GIF with a block that no GIF has");
    }
  }
  if (pictures == 0) return refuse(Status::kRefused, "holds no picture");
  return picture;
}

}  // namespace latchkey::hub::signing
