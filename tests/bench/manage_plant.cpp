// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/manage_plant.h"

#include "platform/openssl/digest.h"
#include "tests/bench/manage_raw.h"

namespace latchkey::bench {
namespace {

constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;

UnixMs wall_clock() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string sql_blob(const Uuid& id) {
  std::string text = "x'";
  constexpr char kDigits[] = "0123456789abcdef";
  for (const auto byte : id.bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text + "'";
}

}  // namespace

Plant::Plant(std::string path) : path_(std::move(path)), now_(wall_clock()) {
  open();
  if (!must(registry_->list_namespaces()).empty()) return;
  must(registry_->create_namespace(call(), "default"));
  must(registry_->create_credential(call(), "default", fake_ca("CN=root")));
  must(registry_->create_hub(call(), {"hub", "default", "127.0.0.2:8883"}));
  must(registry_->create_policy(call(), "default", {"default", 30, fake_ca("CN=first")}));
  registry::NewEnrollment group;
  group.id = "default";
  group.group = true;
  group.namespace_name = "default";
  group.primary = group.secondary = registry::Bytes(32, 7);
  group.policy_name = "default";
  must(registry_->create_enrollment(call(), group));
}

void Plant::open() { registry_ = must(registry::Registry::open({path_}, openssl::host_digest())); }

registry::NewCa Plant::fake_ca(const std::string& subject) {
  registry::NewCa ca;
  ++cas_;
  for (std::size_t i = 0; i < 4; ++i) ca.id.bytes[i] = static_cast<std::uint8_t>(cas_ >> (8 * i));
  for (std::size_t i = 0; i < 8; ++i) ca.id.bytes[4 + i] = static_cast<std::uint8_t>(now_ >> (8 * i));
  ca.id.bytes[15] = 0xca;
  ca.subject = subject;
  ca.serial = {0x41, ca.id.bytes[2], ca.id.bytes[1], ca.id.bytes[0], ca.id.bytes[4], ca.id.bytes[5]};
  ca.not_before = now_ - kDayMs;
  ca.not_after = now_ + 3650 * kDayMs;
  ca.der = registry::Bytes(600, 0x30);
  ca.key_ref = "bench-" + std::to_string(now_) + "-" + std::to_string(cas_);
  const auto credential = registry_->find_credential("default");
  ca.issuer = credential ? credential->ca : ca.id;
  return ca;
}

void Plant::create(std::uint64_t count) {
  std::vector<registry::NewDevice> devices(count);
  for (auto& device : devices) device.id = device_name(++made_);
  const auto made = must(registry_->create_devices(call(), "default", devices));
  for (const auto& one : made.value) {
    if (!one) throw std::runtime_error(one.error().detail);
  }
}

void Plant::furnish(const std::string& group) {
  const auto enrollment = must(registry_->find_enrollment(group, true));
  const auto hub = must(registry_->find_hub("hub"));
  const auto leaf = policy();
  registry_.reset();
  {
    Raw raw(path_);
    const auto now = std::to_string(now_);
    const auto ns = sql_blob(enrollment.namespace_uuid);
    const auto devices = " FROM devices WHERE namespace = " + ns + " ORDER BY id; ";
    raw.execute("PRAGMA cache_size = -1000000; BEGIN IMMEDIATE");
    raw.execute("UPDATE devices SET registration_id = lower(id), policy = " + sql_blob(leaf.uuid) +
                " WHERE namespace = " + ns);
    raw.execute(
        "INSERT OR IGNORE INTO registrations (folded_id, registration_id, enrollment, namespace, device_id, hub, "
        "created, updated, substatus) SELECT lower(id), id, " +
        sql_blob(enrollment.uuid) + ", namespace, id, " + sql_blob(hub.uuid) + ", " + now + ", " + now + ", 1" +
        devices);
    raw.execute(
        "INSERT INTO certificates (serial, device, device_id, policy, ca, credential_id, not_before, not_after, "
        "status, reserved_at, issued_at, revoked_at) SELECT CAST(x'40' || randomblob(15) AS BLOB), uuid, id, " +
        sql_blob(leaf.uuid) + ", " + sql_blob(leaf.ca) + ", credential_id, " + now + " - 300000, " + now +
        " + 86400000 + abs(random() % 2505600) * 1000, 2, " + now + ", " + now + ", 0" + devices);
    raw.execute(
        "INSERT OR IGNORE INTO enrollments (uuid, is_group, id, folded_id, namespace, attestation, primary_proof, "
        "secondary_proof, policy_name, enabled, device_id, created, updated) SELECT randomblob(16), 0, id, lower(id), "
        "namespace, 1, zeroblob(32), zeroblob(32), 'default', 1, '', " +
        now + ", " + now + devices);
    raw.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  }
  open();
}

double Plant::revoke_policy() {
  auto ca = fake_ca("CN=next-" + std::to_string(cas_ + 1));
  return timed([&] { must(registry_->revoke_policy(call(), "default", "default", std::move(ca))); });
}

}  // namespace latchkey::bench
