// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/bootstrap.h"

#include <sys/random.h>

#include <filesystem>

#include "hub/app/base/status_options.h"
#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

using registry::Call;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::Registry;

constexpr std::size_t kGroupKeySize = 64;  // as the real service makes them

// A step that an earlier, interrupted bootstrap may have done already.
template <class T>
Outcome<Nothing> done(const Outcome<T>& outcome) {
  if (outcome || outcome.error().reason == Reason::kAlreadyExists) return Nothing{};
  return fail(outcome.error());
}

Outcome<Nothing> make_credential(Registry& registry, ca::Authority& authority, const Call& call,
                                 registry::KeyProfile profile) {
  if (registry.find_credential(kDefaultNamespace)) return Nothing{};
  LATCHKEY_TRY(root, authority.make_root(profile, call.now));
  return done(registry.create_credential(call, kDefaultNamespace, std::move(root)));
}

Outcome<Nothing> make_policy(Registry& registry, ca::Authority& authority, const Call& call,
                             registry::KeyProfile profile) {
  if (registry.find_policy(kDefaultNamespace, kDefaultPolicy)) return Nothing{};
  LATCHKEY_TRY(credential, registry.find_credential(kDefaultNamespace));
  LATCHKEY_TRY(root, registry.find_ca(credential.ca));
  LATCHKEY_TRY(issuing, authority.make_issuing(root, profile, call.now));
  Registry::NewPolicy policy;
  policy.name = kDefaultPolicy;
  policy.issuing_ca = std::move(issuing);
  return done(registry.create_policy(call, kDefaultNamespace, std::move(policy)));
}

registry::Bytes random_key() {
  registry::Bytes key(kGroupKeySize);
  std::size_t got = 0;
  while (got < key.size()) {
    const ssize_t more = ::getrandom(key.data() + got, key.size() - got, 0);
    if (more > 0) got += static_cast<std::size_t>(more);
  }
  return key;
}

Outcome<Nothing> make_group(Registry& registry, const Call& call) {
  if (registry.find_enrollment(kDefaultGroup, true)) return Nothing{};
  registry::NewEnrollment group;
  group.id = kDefaultGroup;
  group.group = true;
  group.namespace_name = kDefaultNamespace;
  group.primary = random_key();
  group.secondary = random_key();
  group.policy_name = kDefaultPolicy;
  return done(registry.create_enrollment(call, std::move(group)));
}

Outcome<Nothing> make_everything(Registry& registry, ca::Authority& authority, const DataFolder& folder,
                                 const Address& hub, registry::KeyProfile profile, const Call& call) {
  LATCHKEY_TRY_VOID(done(registry.create_namespace(call, kDefaultNamespace)));
  LATCHKEY_TRY_VOID(
      done(registry.create_hub(call, {kHubName, kDefaultNamespace, hub.device_text(), host_and_port(hub)})));
  LATCHKEY_TRY_VOID(make_credential(registry, authority, call, profile));
  LATCHKEY_TRY_VOID(make_policy(registry, authority, call, profile));
  LATCHKEY_TRY_VOID(make_group(registry, call));
  LATCHKEY_TRY_VOID(write_group_key(registry, folder));
  return registry.set_setting(kBootstrapped, "yes");
}

}  // namespace

Outcome<Nothing> write_group_key(Registry& registry, const DataFolder& folder) {
  LATCHKEY_TRY(group, registry.find_enrollment(kDefaultGroup, true));
  std::string text(base64_size(group.primary.size()), '\0');
  (void)base64_encode(group.primary, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (files::replace_file(folder.enrollment_key(), text + "\n")) return Nothing{};
  return refuse(Reason::kStorage, folder.enrollment_key().string() + " cannot be written");
}

Outcome<Nothing> bring_group_key(Registry& registry, const DataFolder& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder.enrollment_key(), ignored)) return Nothing{};
  const auto group = registry.find_enrollment(kDefaultGroup, true);
  if (!group && group.error().reason != Reason::kEnrollmentNotFound) return fail(group.error());
  if (!group || group->attestation != registry::AttestationKind::kSymmetricKey) return Nothing{};
  return write_group_key(registry, folder);
}

Outcome<Nothing> bootstrap(Registry& registry, ca::Authority& authority, const DataFolder& folder, const Address& hub,
                           registry::KeyProfile profile, UnixMs now) {
  const Call call{"latchkey up", now};
  LATCHKEY_TRY(already, registry.setting(kBootstrapped));
  if (!already) {
    LATCHKEY_TRY_VOID(make_everything(registry, authority, folder, hub, profile, call));
  }
  LATCHKEY_TRY(present, registry.find_hub(kHubName));
  if (present.host == hub.device_text() && present.listen == host_and_port(hub)) return Nothing{};
  return done(registry.update_hub(call, kHubName, {hub.device_text(), host_and_port(hub)}));
}

}  // namespace latchkey::hub::app
