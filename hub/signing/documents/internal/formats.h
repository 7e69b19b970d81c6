// SPDX-License-Identifier: Apache-2.0
// One reader a type of file; each is given a file that begins as its type does.
#pragma once

#include "hub/signing/documents/internal/cursor.h"
#include "hub/signing/documents/picture.h"

namespace latchkey::hub::signing {

Outcome<Picture> read_bmp(ByteView file);
Outcome<Picture> read_gif(ByteView file);
Outcome<Picture> read_jpeg(ByteView file);
Outcome<Picture> read_tiff(ByteView file);
Outcome<Picture> read_pdf(ByteView file);

// The resolution that EXIF has: `tiff` is what follows "Exif\0\0". 0 when there is none that can be read.
double exif_dpi(ByteView tiff);

inline tl::unexpected<Error> cut_off() { return refuse(Status::kMalformed, "is cut off"); }
inline tl::unexpected<Error> several() { return refuse(Status::kRefused, "holds several pictures: one a file"); }

inline constexpr double kCentimetresAnInch = 2.54;
inline constexpr double kInchesAMetre = 100 / kCentimetresAnInch;

// Of a palette: grey when each of its entries is. `step`: bytes from entry to entry, three of which are its colours.
inline Colour colour_of_palette(ByteView entries, std::size_t step) {
  for (std::size_t at = 0; at + 3 <= entries.size(); at += step) {
    if (entries[at] != entries[at + 1] || entries[at] != entries[at + 2]) return Colour::kColour;
  }
  return Colour::kGrey;
}

}  // namespace latchkey::hub::signing
