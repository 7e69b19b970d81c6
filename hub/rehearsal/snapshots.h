// SPDX-License-Identifier: Apache-2.0
// Snapshots: the whole state of a rehearsal under a name, to go back to. Each is a folder below `folder` (0700):
//
//   NAME/registry.db   a copy of the registry, as of one commit     0600
//   NAME/keys/         the keys of the CAs in it                    0700
//   NAME/signing-keys/ those of the signing service                 0700
//   NAME/about.json    when it was taken, by the rehearsal's clock
//
// What a restore leaves as it is: the audit, settings, published lists, the clock and the fault document.
//
// The signing service stops for a restore and for a reset, and goes on with what is there by then.
//
// Threads: one caller at a time (Acts::hold).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "registry/operations/registry.h"

namespace latchkey::hub::rehearsal {

// Of the snapshot that a seed goes back to when it is refused: no name for anybody else, and not listed.
inline constexpr const char* kBeforeSeed = "_before-seed";

// 1 to 64 of [0-9A-Za-z._-], the first alphanumeric: nothing that leaves the folder.
bool valid_snapshot_name(std::string_view name);

class Snapshots {
 public:
  // The signing service, whether it runs or not. hub/app gives it.
  struct Signing {
    std::filesystem::path keys = {};  // where they lie, a file each; empty: there is no such service
    // Of a registry's file.
    std::function<registry::Outcome<std::vector<std::string>>(const std::string& path)> key_refs_in = {};
    // Nobody is served until what it answers is gone; then the service begins with the rows that are there, and erases
    // the keys that they do not name.
    std::function<std::shared_ptr<void>()> pause = {};
  };
  struct Parts {
    registry::Registry& registry;
    std::filesystem::path folder;
    std::filesystem::path keys;  // where CA keys lie, a file each; empty: elsewhere, and there are no snapshots
    std::function<void(const std::string& key_ref)> destroy_key;  // nobody names it any more
    Signing signing = {};
  };
  explicit Snapshots(Parts parts) : parts_(std::move(parts)) {}

  // {"name", "at", "atMs"} each, in the order of their names.
  registry::Outcome<nlohmann::json> list() const;
  // kInvalidName, kAlreadyExists, kNotSupported (keys that cannot be copied), kStorage. A crash leaves nothing of that
  // name.
  registry::Outcome<nlohmann::json> take(const std::string& name, UnixMs now);
  // kInvalidName, kNotFound, kStorage.
  registry::Outcome<registry::Nothing> remove(const std::string& name);
  // The state is that of the snapshot; what is in force when gates have it is the caller's to wait for. kInvalidName,
  // kNotFound, else as Registry::restore.
  registry::Outcome<registry::Sequence> restore(const registry::Call& call, const std::string& name);
  // Begins anew: as Registry::reset. The keys of all CAs are destroyed.
  registry::Outcome<registry::Sequence> reset(const registry::Call& call, const std::vector<std::string>& hubs,
                                              const std::vector<std::string>& forgotten);

 private:
  enum class Missing : bool { kFails = false, kIsLeftOut = true };
  registry::Outcome<registry::Nothing> copy_keys(const std::filesystem::path& from, const std::filesystem::path& to,
                                                 const std::vector<std::string>& key_refs, Missing missing) const;
  registry::Outcome<registry::Nothing> copy_signing_keys(const std::string& copy, const std::filesystem::path& from,
                                                         const std::filesystem::path& to) const;
  std::shared_ptr<void> paused() const { return parts_.signing.pause ? parts_.signing.pause() : nullptr; }
  registry::Outcome<std::vector<std::string>> named_keys() const;
  registry::Outcome<registry::Nothing> destroy_unnamed(const std::vector<std::string>& before) const;

  const Parts parts_;
};

}  // namespace latchkey::hub::rehearsal
