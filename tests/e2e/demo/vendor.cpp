// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/demo/vendor.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/contoso.h"

namespace latchkey::demo {

using nlohmann::json;

namespace {

constexpr std::size_t kImageBytes = 100'000;
constexpr int kSigningMs = 300'000;  // an RSA key may have to be made
const std::vector<std::string> kAccount{"-g", "Factory", "--account-name", "contoso"};

std::vector<std::string> with_account(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), kAccount.begin(), kAccount.end());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

void Vendor::open_account() {
  stage_.operate({"provider", "register", "--namespace", "Microsoft.CodeSigning"});
  stage_.operate({"group", "create", "--name", "Factory", "--location", "EastUS"});
  stage_.operate({"trustedsigning", "create", "-n", "contoso", "-l", "eastus", "-g", "Factory", "--sku", "Premium"});
  stage_.operate({"role", "token", "create", "-n", "signer", "--out", (stage_.hub().work() / "signer.token").string()});
  stage_.operate({"role", "assignment", "create", "--assignee", "signer", "--role",
                  "Artifact Signing Certificate Profile Signer", "--scope", "/"});
}

std::string Vendor::make_profile(const std::string& profile) {
  const std::string identity = stage_.ask(tests::identity_request("Factory", "contoso")).at("name");
  for (const std::string event : {"emailVerified", "accept"}) {  // plays who reads the e-mail, and the verifier
    stage_.operate({"signing", "identity", "decide", "--id", identity, "--event", event});
  }
  const std::vector<std::string> what{"--profile-type", "PublicTrust", "--identity-validation-id", identity};
  const auto preview = stage_.ask(with_account({"trustedsigning", "certificate-profile", "preview"}, what));
  auto create = with_account({"trustedsigning", "certificate-profile", "create", "-n", profile}, what);
  stage_.operate(create);
  return preview.at("certificateSubjectPreview");
}

std::string Vendor::release(const std::string& profile, const std::string& version) {
  const auto image = stage_.hub().work() / ("firmware-" + version + ".bin");
  std::string bytes(kImageBytes, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251 + version[2]);
  std::ofstream(image, std::ios::binary) << bytes;
  const auto signed_by =
      tests::run({std::string(LATCHKEY_BIN) + "/latchkey", "--data", stage_.hub().data().string(), "sign",
                  image.string(), "--board", "demo-board", "--version", version, "--account", "contoso", "--profile",
                  profile, "--token-file", (stage_.hub().work() / "signer.token").string()},
                 kSigningMs);
  if (signed_by.exit_status != 0) throw std::runtime_error("latchkey sign: " + signed_by.err);
  return image.string() + ".lkb";
}

std::string Vendor::certificate(const std::string& profile, const std::string& member) {
  const auto all = stage_.ask(with_account({"signing", "certificate", "list"}, {"--profile-name", profile}));
  return all.at("value").at(0).at(member);
}

std::string Vendor::durable_eku(const std::string& profile) { return certificate(profile, "enhancedKeyUsage"); }

void Vendor::revoke(const std::string& profile, const std::string& from) {
  stage_.operate(
      with_account({"signing", "certificate", "revoke"},
                   {"--profile-name", profile, "--thumbprint", certificate(profile, "thumbprint"), "--reason",
                    "KeyCompromised", "--effective-at", from, "--remarks", "laptop stolen", "-y"}));
}

}  // namespace latchkey::demo
