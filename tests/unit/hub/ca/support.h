// SPDX-License-Identifier: Apache-2.0
// A folder that goes away again, and the openssl command line as the second opinion.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "hub/ca/authority.h"
#include "registry/operations/registry.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::ca::test {

inline constexpr UnixMs kNow = 1750000000000;  // 2025-06-15T15:06:40Z

struct Ran {
  int status = -1;
  std::string output;  // both streams
  bool says(const std::string& text) const { return output.find(text) != std::string::npos; }
};

// Runs a shell command line in `folder`.
inline Ran run(const std::filesystem::path& folder, const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen(("cd '" + folder.string() + "' && (" + command + ") 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> piece{};
  for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
    ran.output.append(piece.data(), size);
  }
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

inline void put(const std::filesystem::path& path, ByteView content) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

inline registry::Bytes get(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The certificate as NAME.der and NAME.pem.
inline void put_certificate(const tests::TemporaryFolder& folder, const std::string& name, ByteView der) {
  put(folder / (name + ".der"), der);
  const Ran ran = run(folder.path(), "openssl x509 -inform DER -in " + name + ".der -out " + name + ".pem");
  ASSERT_EQ(ran.status, 0) << ran.output;
}

inline std::string base64(ByteView bytes) {
  std::vector<std::uint8_t> text(base64_size(bytes.size()));
  const auto size = base64_encode(bytes, MutableBytes(text.data(), text.size()));
  return size ? std::string(ByteView(text).text()) : std::string();
}

inline std::string hex(ByteView bytes) {
  std::vector<std::uint8_t> text(hex_size(bytes.size()));
  const auto size = hex_encode(bytes, MutableBytes(text.data(), text.size()));
  return size ? std::string(ByteView(text).text()) : std::string();
}

// A CSR by `openssl req`; `key` is what follows -newkey, `more` any further options.
inline registry::Bytes make_csr(const tests::TemporaryFolder& folder, const std::string& subject,
                                const std::string& key = "ec -pkeyopt ec_paramgen_curve:P-256",
                                const std::string& more = "-sha256") {
  const Ran ran = run(folder.path(), "openssl req -new -newkey " + key + " -nodes -keyout csr.key -subj '" + subject +
                                         "' -outform DER -out csr.der " + more);
  EXPECT_EQ(ran.status, 0) << ran.output;
  return get(folder / "csr.der");
}

// The row that the registry would keep of a new CA.
inline registry::CaCertificate row_of(const registry::NewCa& made, registry::CaKind kind, const Uuid& issuer) {
  registry::CaCertificate row;
  row.id = made.id;
  row.kind = kind;
  row.issuer = issuer;
  row.subject = made.subject;
  row.serial = made.serial;
  row.not_before = made.not_before;
  row.not_after = made.not_after;
  row.der = made.der;
  row.key_ref = made.key_ref;
  return row;
}

inline registry::IssuanceGrant grant_for(const registry::CaCertificate& issuer, const std::string& device) {
  registry::IssuanceGrant grant;
  grant.serial = Authority::new_serial();
  grant.device_id = device;
  grant.device.bytes.fill(0xd1);
  grant.credential_id.bytes.fill(0xc2);
  grant.ca = issuer.id;
  grant.not_before = kNow - kBackdateMs;
  grant.not_after = kNow + 30 * kDayMs;
  return grant;
}

}  // namespace latchkey::hub::ca::test
