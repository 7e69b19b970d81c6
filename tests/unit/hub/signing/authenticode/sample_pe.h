// SPDX-License-Identifier: Apache-2.0
// A PE file with two sections, small and complete enough for tools that read signatures.
#pragma once

#include "hub/signing/base/error.h"

namespace latchkey::hub::signing::test {

enum class PeKind { kPe32, kPe32Plus };

inline void put(Bytes& file, std::size_t at, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) file[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> 8 * i);
}

// `tail` bytes lie behind the last section: a file need not fill whole units.
inline Bytes sample_pe(PeKind kind, std::size_t tail = 0) {
  const bool plus = kind == PeKind::kPe32Plus;
  const std::size_t optional = 0x80 + 24;
  const std::size_t directories = optional + (plus ? 112 : 96);
  const std::size_t sections = directories + 16 * 8;
  Bytes file(0x600 + tail, 0);
  file[0] = 'M';
  file[1] = 'Z';
  put(file, 0x3c, 0x80, 4);
  put(file, 0x80, 0x4550, 4);
  put(file, 0x84, plus ? 0x8664 : 0x014c, 2);
  put(file, 0x86, 2, 2);                       // sections
  put(file, 0x94, sections - optional, 2);     // size of the optional header
  put(file, 0x96, plus ? 0x0022 : 0x0102, 2);  // executable
  put(file, optional, plus ? 0x20b : 0x10b, 2);
  put(file, optional + 4, 0x200, 4);    // size of code
  put(file, optional + 16, 0x1000, 4);  // entry point
  put(file, optional + 20, 0x1000, 4);  // base of code
  if (plus) put(file, optional + 24, 0x140000000, 8);
  if (!plus) put(file, optional + 28, 0x400000, 4);
  put(file, optional + 32, 0x1000, 4);  // section alignment
  put(file, optional + 36, 0x200, 4);   // file alignment
  put(file, optional + 40, 6, 2);
  put(file, optional + 48, 6, 2);
  put(file, optional + 56, 0x3000, 4);  // size of image
  put(file, optional + 60, 0x200, 4);   // size of headers
  put(file, optional + 68, 3, 2);       // console
  put(file, directories - 4, 16, 4);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t header = sections + 40 * i;
    file[header] = '.';
    file[header + 1] = i == 0 ? 't' : 'd';
    put(file, header + 8, 0x200, 4);
    put(file, header + 12, 0x1000 * (i + 1), 4);
    put(file, header + 16, 0x200, 4);
    put(file, header + 20, 0x200 * (i + 1), 4);
    put(file, header + 36, i == 0 ? 0x60000020 : 0xc0000040, 4);
  }
  for (std::size_t i = 0x200; i < file.size(); ++i) file[i] = static_cast<std::uint8_t>(i * 7);
  return file;
}

}  // namespace latchkey::hub::signing::test
