// SPDX-License-Identifier: Apache-2.0
// Bundles that are published, as files of a folder (0700, files 0600), named by their SHA-256. Where several nodes give
// them out, the folder holds copies of what the registry has, each fetched when it is first asked for. Threads: any;
// one at a time keeps or removes.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "hub/signing/bundle/bundle.h"
#include "registry/firmware/bundles.h"
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

  // Makes the folder if need be; its parent is there. `shared`, if not null, outlives it. kUnauthorized: it is open to
  // others. kStorage.
  static registry::Outcome<Bundles> open(std::filesystem::path folder,
                                         registry::firmware::BundleRows* shared = nullptr);

  // Durable when it returns; one that is there already stays. kStorage.
  registry::Outcome<registry::Nothing> keep(const Bytes& id, ByteView bundle) const;
  bool has(const Bytes& id) const;  // as a file
  // So that it is there as a file, if the registry has it. kNotFound; kStorage, also when it is not what its name says.
  registry::Outcome<registry::Nothing> fetch(const Bytes& id) const;
  // From `at` on up to `length` bytes, fewer at the end. kNotFound; kInvalidArgument: it ends at `at`, or before it.
  registry::Outcome<Bytes> read(const Bytes& id, std::uint64_t at, std::size_t length) const;
  // Every bundle but those of these ids. kStorage.
  registry::Outcome<registry::Nothing> remove_others(const std::set<Bytes>& wanted) const;

 private:
  Bundles(std::filesystem::path folder, registry::firmware::BundleRows* shared)
      : folder_(std::move(folder)), shared_(shared) {}
  std::filesystem::path file_of(const Bytes& id) const;

  std::filesystem::path folder_;
  registry::firmware::BundleRows* shared_;
  std::unique_ptr<std::mutex> fetching_ = std::make_unique<std::mutex>();  // many ask at once, one fetches
};

}  // namespace latchkey::hub::firmware
