// SPDX-License-Identifier: Apache-2.0
// Bundles that are published, as files of a folder (0700, files 0600), named by their SHA-256. Threads: any; one at a
// time keeps or removes.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "hub/signing/bundle/bundle.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::firmware {

using registry::Bytes;

// What a campaign needs to know of a bundle.
struct BundleFacts {
  Bytes id;  // SHA-256 of the whole bundle
  std::uint64_t size = 0;
  std::string board;
  std::string version;  // "1.2.3"
  Bytes image;          // SHA-256
};
// kInvalidArgument: not a bundle, its image is not the manifest's, or its signature not its certificate's. Whether its
// signer is to be trusted is each device's question.
registry::Outcome<BundleFacts> facts_of(ByteView bundle);

class Bundles {
 public:
  static constexpr std::size_t kSizeMax = std::size_t{11} * 1024 * 1024;

  // Makes the folder if need be; its parent is there. kUnauthorized: it is open to others. kStorage.
  static registry::Outcome<Bundles> open(std::filesystem::path folder);

  // Durable when it returns; one that is there already stays. kStorage.
  registry::Outcome<registry::Nothing> keep(const Bytes& id, ByteView bundle) const;
  // From `at` on up to `length` bytes, fewer at the end. kNotFound; kInvalidArgument: it ends at `at`, or before it.
  registry::Outcome<Bytes> read(const Bytes& id, std::uint64_t at, std::size_t length) const;
  // Every bundle but those of these ids. kStorage.
  registry::Outcome<registry::Nothing> remove_others(const std::set<Bytes>& wanted) const;

 private:
  explicit Bundles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path file_of(const Bytes& id) const;

  std::filesystem::path folder_;
};

}  // namespace latchkey::hub::firmware
