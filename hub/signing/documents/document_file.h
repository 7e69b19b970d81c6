// SPDX-License-Identifier: Apache-2.0
// The rules for files of documents, as the seed states them: type, size, pixels, colour, resolution, one picture a
// file. What a document proves by what it says is registry/signing/documents.h's.
//
// Pure; any thread. Nothing is kept of the file.
#pragma once

#include <cstddef>
#include <string_view>

#include "hub/signing/documents/picture.h"

namespace latchkey::hub::signing {

inline constexpr std::size_t kDocumentFileMin = std::size_t{30} * 1024;  // 1 KB is 1,024 bytes: our choice
inline constexpr std::size_t kDocumentFileMax = std::size_t{5} * 1024 * 1024;
inline constexpr std::uint32_t kDocumentWidthMin = 600;
inline constexpr std::uint32_t kDocumentHeightMin = 370;
inline constexpr int kDocumentDpiMin = 200;

// `name`: as whoever hands it in calls it; its extension has to be its type's, in either case. kRefused, and the
// statuses of read_picture(); the detail names file and rule: "'charter.tif' has 150 DPI: 200 or more are asked for".
//
// A GIF has no resolution, so none is asked of it; every other type has to say one.
Outcome<Picture> check_document_file(std::string_view name, ByteView file);

}  // namespace latchkey::hub::signing
