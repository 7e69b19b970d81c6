// SPDX-License-Identifier: Apache-2.0
// What the bytes of a picture say of it: type, pixels, colour, resolution. Headers alone are read: no pixel is decoded,
// so a grey picture that is stored in colour passes for a coloured one.
//
// Pure; any thread. Hostile bytes are expected: every read is bounded by the bytes that are there, every loop by them
// or by a limit that is named, and what does not add up is refused.
#pragma once

#include <cstdint>
#include <string_view>

#include "hub/signing/base/error.h"

namespace latchkey::hub::signing {

enum class FileType : std::uint8_t { kBmp, kJpeg, kGif, kTiff, kPdf };
std::string_view extension_of(FileType type);  // ".bmp", ".jpg", ".gif", ".tif", ".pdf"

enum class Colour : std::uint8_t { kBlackAndWhite, kGrey, kColour };

struct Picture {
  FileType type = FileType::kBmp;
  std::uint32_t width = 0;  // pixels, as are all that follow
  std::uint32_t height = 0;
  Colour colour = Colour::kColour;
  // Pixels an inch, of the axis that has fewer. 0: the file does not say, though its type could.
  double dpi = 0;
};

// The one picture of a file. kUnsupported: none of the types, or a kind of it that is not read (encrypted, BigTIFF).
// kMalformed: cut off, or it does not add up. kRefused: it holds none or several. The detail completes a sentence that
// begins with the file: "is cut off".
Outcome<Picture> read_picture(ByteView file);

}  // namespace latchkey::hub::signing
