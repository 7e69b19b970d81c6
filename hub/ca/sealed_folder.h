// SPDX-License-Identifier: Apache-2.0
// SealedFolder: sealed keys as files of a folder (0700, files 0600) that nodes share, each named by its key_ref. The
// file system has to rename atomically and to lock whole files (flock), as Linux does locally and over NFS 4.
//
// Putting, replacing and erasing hold <folder>/lock, so that a replaced key cannot come back after it was erased.
#pragma once

#include <filesystem>
#include <memory>

#include "hub/ca/sealed_keys.h"

namespace latchkey::hub::ca {

class SealedFolder final : public SealedKeys {
 public:
  // Made when it is not there; its parent has to be. kUnauthorized when it is open to others or not ours, kStorage.
  static registry::Outcome<std::unique_ptr<SealedFolder>> open(std::filesystem::path folder);

  registry::Outcome<void> put(const std::string& key_ref, const registry::Bytes& sealed, UnixMs now) override;
  registry::Outcome<registry::Bytes> get(const std::string& key_ref) override;
  registry::Outcome<void> replace(const std::string& key_ref, const registry::Bytes& before,
                                  const registry::Bytes& after) override;
  registry::Outcome<void> erase(const std::string& key_ref) override;
  // `made`: when the file was last written, by the file system's clock.
  registry::Outcome<std::vector<Entry>> list() override;

 private:
  explicit SealedFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path folder_;
};

}  // namespace latchkey::hub::ca
