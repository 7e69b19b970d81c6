// SPDX-License-Identifier: Apache-2.0
// FileKeyProvider: each CA key is one PEM file (PKCS#8, mode 0600) in a folder of mode 0700. A key_ref is the file's
// name: 32 hex digits and ".pem", nothing else, so that no reference leaves the folder.
//
// destroy() unlinks and syncs the folder; it does not overwrite, because journaling and flash storage keep old blocks
// anyway. Disk encryption is what helps there.
//
// For one hub process: nodes that share a registry need a provider that they can share (docs/keys.md).
#pragma once

#include <filesystem>
#include <map>
#include <mutex>

#include "hub/ca/key_provider.h"

namespace latchkey::hub::ca {

class FileKeyProvider : public KeyProvider {
 public:
  // Creates the folder (0700) if need be; kUnauthorized when it is open to others, kStorage.
  static registry::Outcome<std::unique_ptr<FileKeyProvider>> open(std::filesystem::path folder);

  using KeyProvider::generate;
  registry::Outcome<GeneratedKey> generate(KeyAlgorithm algorithm) override;
  registry::Outcome<SigningKey> load(const std::string& key_ref) override;
  registry::Outcome<void> destroy(const std::string& key_ref) override;
  registry::Outcome<std::size_t> destroy_unnamed(const std::set<std::string>& named) override;
  // That the files are there.
  registry::Outcome<void> check(const std::set<std::string>& named) override;
  std::string told() const override;

 private:
  explicit FileKeyProvider(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::map<std::string, SigningKey> parsed_;  // guarded by mutex_
};

}  // namespace latchkey::hub::ca
