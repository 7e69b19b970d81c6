// SPDX-License-Identifier: Apache-2.0
// Signed firmware for an emulated board, and what the board is given when it is onboarded, as files of the folder that
// is named: a signing service on paper (tests/unit/hub/signing/world.h), whose signatures are real. The release is
// signed by RSA-3072, PSS.
#include <fstream>
#include <iostream>

#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::agent::test {
namespace {

int make(const std::string& folder) {
  FirmwareWorld world;
  const Certified leaf = world.leaf(ProfileType::kPublicTrust, kStart, hub::signing::test::rsa_key());
  Release release;
  release.board = "latchkey-emulated-1";
  release.algorithm = Algorithm::kPs256;
  release.image = Bytes(100'000, 0x42);
  Bytes changed = world.bundle(leaf, release);
  const Bytes bundle = changed;
  changed[changed.size() - 5000] ^= 1;
  const std::pair<const char*, Bytes> files[] = {
      {"signing-root.der", world.signing_root},
      {"timestamp-root.der", world.tsa_root},
      {"statement-key.der", world.statement_spki},
      {"eku.oid", world.ekus.front()},
      {"statement.bin", world.revocation_statement()},
      {"revoked.bin", world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)},
      {"bundle.bin", bundle},
      {"changed.bin", changed},
  };
  for (const auto& [name, content] : files) {
    std::ofstream file(folder + "/" + name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) return 1;
  }
  return testing::Test::HasFailure() ? 1 : 0;
}

}  // namespace
}  // namespace latchkey::agent::test

int main(int argc, char** argv) {
  if (argc == 2) return latchkey::agent::test::make(argv[1]);
  std::cerr << "make_bundle FOLDER\n";
  return 2;
}
