// SPDX-License-Identifier: Apache-2.0
// What a firmware bundle says of its image (docs/firmware-bundle.md): for which board, which version, how large, which
// bytes, and what must hold before it may run. Reading allocates nothing; views point into the text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent {

// major.minor.patch; compared in that order.
struct Version {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t patch = 0;
};
inline bool operator==(Version a, Version b) { return a.major == b.major && a.minor == b.minor && a.patch == b.patch; }
inline bool operator!=(Version a, Version b) { return !(a == b); }
inline bool operator<(Version a, Version b) {
  if (a.major != b.major) return a.major < b.major;
  return a.minor != b.minor ? a.minor < b.minor : a.patch < b.patch;
}

// Another part of the device that must have at least this version: its boot loader, a co-processor, its own firmware.
struct Dependency {
  std::string_view component;
  Version at_least;
};

struct Manifest {
  static constexpr std::size_t kDigestSize = 32;
  static constexpr std::size_t kNameMax = 64;  // board, component: printable ASCII without space, not empty
  static constexpr std::size_t kDependenciesMax = 8;
  static constexpr std::size_t kTextMax = 1024;
  static constexpr std::uint64_t kImageMax = std::uint64_t{1} << 30;

  std::string_view board;
  Version version;
  std::uint64_t size = 0;  // bytes of the image, 1 to kImageMax
  ByteView sha256;         // of the image
  // From when this image has run, the device takes nothing older: the floor for later versions (anti-rollback). Never
  // above `version`.
  Version minimum_version;
  std::array<Dependency, kDependenciesMax> dependencies{};
  std::size_t dependency_count = 0;
};

bool valid_component_name(std::string_view name);
// major.minor.patch, each up to 2^32 - 1, in the one spelling that each has.
std::optional<Version> parse_version(std::string_view text);

// kTooLarge over kTextMax bytes; kUnsupported for another format version; kMalformed: anything but the one encoding of
// a manifest within these bounds, a component named twice among it.
Result<Manifest> read_manifest(ByteView text);

}  // namespace latchkey::agent
