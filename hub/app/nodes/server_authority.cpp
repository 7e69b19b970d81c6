// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/server_authority.h"

#include <utility>

namespace latchkey::hub::app {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr const char* kSetting = "server ca";

// The setting: the key's reference, a line feed, the certificate.
Outcome<brokers::ServerAuthority> read(const std::string& setting, ca::KeyProvider& keys) {
  const auto line = setting.find('\n');
  if (line == std::string::npos) return refuse(Reason::kStorage, "the registry's server CA cannot be read");
  LATCHKEY_TRY(key, keys.load(setting.substr(0, line)));
  return brokers::ServerAuthority{setting.substr(line + 1), std::move(key)};
}

}  // namespace

// Of two nodes that make one at the same time the first to be written counts, and the other's key goes.
Outcome<brokers::ServerAuthority> agree_on_server_authority(registry::Registry& registry, const Node& node,
                                                            ca::KeyProvider& keys) {
  LATCHKEY_TRY(known, registry.setting(kSetting));
  if (known) return read(*known, keys);
  LATCHKEY_TRY(made, keys.generate(ca::KeyAlgorithm::kEcP256));
  const auto certificate = brokers::make_server_authority(made.key.get());
  if (certificate.empty()) return refuse(Reason::kInternal, "the nodes' server CA could not be made");
  const auto ours = made.key_ref + "\n" + certificate;
  LATCHKEY_TRY(agreed, node.agree(kSetting, ours));
  if (agreed != ours) LATCHKEY_TRY_VOID(keys.destroy(made.key_ref));
  return read(agreed, keys);
}

}  // namespace latchkey::hub::app
