// SPDX-License-Identifier: Apache-2.0
#include "agent/update/manifest.h"

#include <limits>

#include "agent/protocol/text.h"
#include "agent/update/cbor.h"

namespace latchkey::agent {
namespace {

constexpr std::uint64_t kFormat = 1;
// Keys, in the order of deterministic encoding.
enum Key : std::uint64_t {
  kKeyFormat = 1,
  kKeyBoard = 2,
  kKeyVersion = 3,
  kKeySize = 4,
  kKeySha256 = 5,
  kKeyMinimum = 6,
  kKeyDependencies = 7,
};
constexpr std::size_t kKeys = 7;

Result<void> expect_key(CborReader& reader, Key key) {
  LATCHKEY_TRY(read, reader.next_unsigned());
  if (read != key) return fail(Status::kMalformed);
  return {};
}

Result<Version> read_version(CborReader& reader) {
  LATCHKEY_TRY(parts, reader.next_array());
  if (parts != 3) return fail(Status::kMalformed);
  std::array<std::uint32_t, 3> numbers{};
  for (std::uint32_t& number : numbers) {
    LATCHKEY_TRY(read, reader.next_unsigned());
    if (read > std::numeric_limits<std::uint32_t>::max()) return fail(Status::kMalformed);
    number = static_cast<std::uint32_t>(read);
  }
  return Version{numbers[0], numbers[1], numbers[2]};
}

Result<std::string_view> read_name(CborReader& reader) {
  LATCHKEY_TRY(name, reader.next_text());
  if (!valid_component_name(name)) return fail(Status::kMalformed);
  return name;
}

// Names in rising order, so that there is one encoding and nothing named twice.
Result<void> read_dependencies(CborReader& reader, Manifest& manifest) {
  LATCHKEY_TRY(count, reader.next_array());
  if (count > Manifest::kDependenciesMax) return fail(Status::kMalformed);
  for (std::size_t i = 0; i < count; ++i) {
    LATCHKEY_TRY(parts, reader.next_array());
    if (parts != 2) return fail(Status::kMalformed);
    LATCHKEY_TRY(component, read_name(reader));
    LATCHKEY_TRY(at_least, read_version(reader));
    if (i > 0 && component <= manifest.dependencies[i - 1].component) return fail(Status::kMalformed);
    manifest.dependencies[i] = Dependency{component, at_least};
  }
  manifest.dependency_count = count;
  return {};
}

}  // namespace

bool valid_component_name(std::string_view name) {
  if (name.empty() || name.size() > Manifest::kNameMax) return false;
  for (const char c : name) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  for (std::uint32_t* const number : {&version.major, &version.minor, &version.patch}) {
    const bool last = number == &version.patch;
    const std::size_t end = last ? text.size() : text.find('.');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(0, end);
    const auto parsed = parse_decimal(digits);
    if (!parsed || *parsed > UINT32_MAX || (digits.front() == '0' && digits.size() > 1)) return std::nullopt;
    *number = static_cast<std::uint32_t>(*parsed);
    text.remove_prefix(last ? end : end + 1);
  }
  return version;
}

Result<Manifest> read_manifest(ByteView text) {
  if (text.size() > Manifest::kTextMax) return fail(Status::kTooLarge);
  CborReader reader(text);
  Manifest manifest;
  LATCHKEY_TRY(pairs, reader.next_map());
  if (pairs != kKeys) return fail(Status::kMalformed);
  LATCHKEY_TRY_VOID(expect_key(reader, kKeyFormat));
  LATCHKEY_TRY(format, reader.next_unsigned());
  if (format != kFormat) return fail(Status::kUnsupported);
  LATCHKEY_TRY_VOID(expect_key(reader, kKeyBoard));
  LATCHKEY_TRY(board, read_name(reader));
  LATCHKEY_TRY_VOID(expect_key(reader, kKeyVersion));
  LATCHKEY_TRY(version, read_version(reader));
  LATCHKEY_TRY_VOID(expect_key(reader, kKeySize));
  LATCHKEY_TRY(size, reader.next_unsigned());
  LATCHKEY_TRY_VOID(expect_key(reader, kKeySha256));
  LATCHKEY_TRY(sha256, reader.next_bytes());
  LATCHKEY_TRY_VOID(expect_key(reader, kKeyMinimum));
  LATCHKEY_TRY(minimum, read_version(reader));
  LATCHKEY_TRY_VOID(expect_key(reader, kKeyDependencies));
  LATCHKEY_TRY_VOID(read_dependencies(reader, manifest));
  if (!reader.at_end() || size == 0 || size > Manifest::kImageMax || sha256.size() != Manifest::kDigestSize ||
      version < minimum) {
    return fail(Status::kMalformed);
  }
  manifest.board = board;
  manifest.version = version;
  manifest.size = size;
  manifest.sha256 = sha256;
  manifest.minimum_version = minimum;
  return manifest;
}

}  // namespace latchkey::agent
