// SPDX-License-Identifier: Apache-2.0
// Keys, certificates and CRLs as files that survive a crash: written under another name, synced, renamed, and the
// folder synced. A reader sees the old file or the new one, never half of either.
//
// POSIX only. Callers see to it that one process at a time writes a file.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {

inline constexpr mode_t kSecretFile = 0600;
inline constexpr mode_t kPublicFile = 0644;

// The file has `mode` from its first byte on, whatever the umask. kStorageFailed, kStorageFull.
Result<void> write_file(const std::filesystem::path& path, ByteView content, mode_t mode);
// kNotFound, kStorageFailed, kTooLarge over `limit` bytes.
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t limit);
// Gone also after a crash. A file that is not there is success.
Result<void> remove_file(const std::filesystem::path& path);
// Creates the folder with 0700 when it is not there. kRefused when it is there and others may enter or it is not a
// folder of ours.
Result<void> secret_folder(const std::filesystem::path& folder);

// PEM forms (RFC 7468): PKCS#8 without a pass phrase, certificate. Empty when OpenSSL fails; the caller wipes keys.
std::vector<std::uint8_t> key_to_pem(EVP_PKEY* key);
std::vector<std::uint8_t> certificate_to_pem(X509* certificate);
// Null when the text is not that.
PkeyPtr key_from_pem(ByteView pem);
X509Ptr certificate_from_pem(ByteView pem);

}  // namespace latchkey::openssl
