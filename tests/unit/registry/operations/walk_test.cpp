// SPDX-License-Identifier: Apache-2.0
// A random walk over the operations, against a small model of "what a hub accepts": every certificate that was ever
// issued is judged by the model and by a follower of the feed, after every step.
#include <map>
#include <random>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

// The rules in a few lines, kept apart from how the registry does it.
struct ModelDevice {
  int incarnation = 0;  // 0: does not exist
  int generation = 0;   // counts revocations over all incarnations
  bool enabled = true;
};
struct ModelPolicy {
  bool exists = true;
  Uuid ca;
};
struct ModelCertificate {
  std::string device;
  int incarnation = 0;
  int generation = 0;
  Uuid ca;
  IssuanceGrant grant;
  bool finished = false;
};
struct Model {
  std::map<std::string, ModelDevice> devices;
  std::map<std::string, ModelPolicy> policies;
  std::set<Uuid> trusted;
  std::vector<ModelCertificate> certificates;

  bool accepts(const ModelCertificate& certificate) const {
    const ModelDevice& device = devices.at(certificate.device);
    return trusted.contains(certificate.ca) && device.incarnation == certificate.incarnation && device.enabled &&
           device.generation == certificate.generation;
  }
  // On its issuer's CRL: everything that was issued and whose identity is not the current one any more.
  bool revoked(const ModelCertificate& certificate) const {
    const ModelDevice& device = devices.at(certificate.device);
    return device.incarnation != certificate.incarnation || device.generation != certificate.generation;
  }
};

// What the hub's gate knows, from the feed alone.
struct Gate {
  std::map<std::string, DeviceState> devices;
  std::set<Uuid> anchors;
  Sequence at = 0;

  void operator()(const DeviceState& state) { devices[state.id] = state; }
  void operator()(const DeviceGone& gone) { devices.erase(gone.id); }
  void operator()(const AnchorAdded& added) { anchors.insert(added.ca); }
  void operator()(const AnchorGone& gone) { anchors.erase(gone.ca); }
  bool accepts(const IssuanceGrant& leaf) const {
    const auto found = devices.find(leaf.device_id);
    return anchors.contains(leaf.ca) && found != devices.end() && found->second.enabled &&
           found->second.uuid == leaf.device && found->second.credential_id == leaf.credential_id;
  }
};

class Walk : public RegistryTest {
 protected:
  static constexpr int kDevices = 6;

  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); }
  std::string device_name() { return "d" + std::to_string(pick(kDevices)); }
  std::string policy_name() { return pick(2) == 0 ? "alpha" : "beta"; }

  void start() {
    make_factory({"alpha", "beta"});
    for (int i = 0; i < kDevices; ++i) {
      const std::string id = "d" + std::to_string(i);
      model.devices[id] = {};
      enrollments[id] = make_enrollment(id, i % 2 == 0 ? "alpha" : "beta");
      named[id] = i % 2 == 0 ? "alpha" : "beta";
    }
    for (const char* name : {"alpha", "beta"}) {
      model.policies[name] = {true, registry->find_policy(kNs, name)->ca};
      model.trusted.insert(model.policies[name].ca);
    }
  }

  void provision_one() {
    const std::string id = device_name();
    ModelDevice& device = model.devices[id];
    const ModelPolicy& policy = model.policies[named[id]];
    auto granted = enroll(id, enrollments[id]);
    if (device.incarnation != 0 && !device.enabled) {
      EXPECT_REFUSED(granted, Reason::kDeviceDisabled);
      return;
    }
    if (!policy.exists) {
      EXPECT_REFUSED(granted, Reason::kPolicyMissing);
      return;
    }
    ASSERT_TRUE(granted) << granted.error().detail;
    if (device.incarnation == 0) device = {++incarnations, ++generations, true};
    keep(id, *granted->value.issuance, policy.ca);
  }

  void renew_one() {
    const std::string id = device_name();
    const ModelDevice& device = model.devices[id];
    auto granted = registry->begin_renewal(call, kNs, id, new_serial());
    if (device.incarnation == 0) {
      EXPECT_REFUSED(granted, Reason::kDeviceUnknown);
    } else if (!device.enabled) {
      EXPECT_REFUSED(granted, Reason::kDeviceDisabled);
    } else if (granted) {
      keep(id, granted->value, granted->value.ca);
      const bool current =
          granted->value.ca == model.policies["alpha"].ca || granted->value.ca == model.policies["beta"].ca;
      EXPECT_TRUE(current) << "nothing is issued by a former CA";
    } else {
      EXPECT_THAT(granted.error().reason, testing::AnyOf(Reason::kPolicyMissing, Reason::kNotConfigured));
    }
  }

  void keep(const std::string& id, const IssuanceGrant& grant, const Uuid& ca) {
    const ModelDevice& device = model.devices[id];
    EXPECT_EQ(grant.ca, ca);
    model.certificates.push_back({id, device.incarnation, device.generation, ca, grant, false});
  }

  void finish_one() {
    if (model.certificates.empty()) return;
    auto& certificate = model.certificates[static_cast<std::size_t>(pick(static_cast<int>(model.certificates.size())))];
    ASSERT_TRUE(registry->finish_issuance(call, certificate.grant.serial));
    certificate.finished = true;
  }

  void revoke_one() {
    const std::string id = device_name();
    ModelDevice& device = model.devices[id];
    const bool disable = pick(3) == 0;
    const bool done = registry->revoke_device(call, kNs, id, disable).has_value();
    EXPECT_EQ(done, device.incarnation != 0);
    if (!done) return;
    device.generation = ++generations;
    if (disable) device.enabled = false;
  }

  void enable_or_disable_one() {
    const std::string id = device_name();
    const bool enabled = pick(3) != 0;
    if (registry->update_device(call, kNs, id, {enabled})) model.devices[id].enabled = enabled;
  }

  void delete_one() {
    const std::string id = device_name();
    const bool done = registry->delete_device(call, kNs, id).has_value();
    EXPECT_EQ(done, model.devices[id].incarnation != 0);
    model.devices[id] = {};
  }

  void create_one() {
    const std::string id = device_name();
    const bool done = registry->create_device(call, kNs, id).has_value();
    EXPECT_EQ(done, model.devices[id].incarnation == 0);
    if (done) model.devices[id] = {++incarnations, ++generations, true};
  }

  void revoke_policy() {
    ModelPolicy& policy = model.policies[policy_key = policy_name()];
    const NewCa ca = new_ca("CN=rotated" + std::to_string(++generations));
    const bool done = registry->revoke_policy(call, kNs, policy_key, ca).has_value();
    EXPECT_EQ(done, policy.exists);
    if (!done) return;
    model.trusted.erase(policy.ca);
    model.trusted.insert(ca.id);
    policy.ca = ca.id;
  }

  void delete_or_make_policy() {
    ModelPolicy& policy = model.policies[policy_key = policy_name()];
    if (policy.exists) {
      ASSERT_TRUE(registry->delete_policy(call, kNs, policy_key));
      policy.exists = false;  // its CA stays trusted
      return;
    }
    auto made = make_policy(policy_key);
    ASSERT_TRUE(made);
    policy = {true, made->value.ca};
    model.trusted.insert(policy.ca);
  }

  void delete_hub_certificate() {
    const auto certificates = *registry->list_hub_certificates("hub");
    if (certificates.empty()) return;
    const auto& chosen = certificates[static_cast<std::size_t>(pick(static_cast<int>(certificates.size())))];
    ASSERT_TRUE(registry->delete_hub_certificate(call, "hub", chosen.name));
    model.trusted.erase(chosen.ca);
  }

  void sync() {
    ASSERT_TRUE(registry->sync_credential(call, kNs));
    for (const auto& [name, policy] : model.policies) {
      if (policy.exists) model.trusted.insert(policy.ca);
    }
  }

  void point_enrollment() {
    const std::string id = device_name();
    const std::string policy = policy_name();
    const bool done = registry->update_enrollment(call, id, false, {policy, {}}).has_value();
    EXPECT_EQ(done, model.policies[policy].exists);
    if (done) named[id] = policy;
  }

  void step() {
    switch (pick(16)) {
      case 0:
      case 1:
      case 2: provision_one(); break;
      case 3: renew_one(); break;
      case 4:
      case 5:
      case 6: finish_one(); break;
      case 7: revoke_one(); break;
      case 8: enable_or_disable_one(); break;
      case 9: delete_one(); break;
      case 10: create_one(); break;
      case 11: revoke_policy(); break;
      case 12: delete_or_make_policy(); break;
      case 13: delete_hub_certificate(); break;
      case 14: sync(); break;
      default: point_enrollment(); break;
    }
  }

  void compare(int number) {
    for (const Change& change : changes_since(gate.at)) {
      std::visit(gate, change.body);
      gate.at = change.sequence;
    }
    for (const auto& certificate : model.certificates) {
      ASSERT_EQ(gate.accepts(certificate.grant), model.accepts(certificate))
          << "step " << number << ", certificate of " << certificate.device;
    }
  }

  void compare_lists() {
    std::map<Uuid, std::set<Bytes>> expected;
    for (const auto& certificate : model.certificates) {
      if (certificate.finished && model.revoked(certificate)) expected[certificate.ca].insert(certificate.grant.serial);
    }
    for (const auto& ca : must(registry->list_cas())) {
      if (ca.key_ref.empty() || ca.kind == CaKind::kRoot) continue;
      std::set<Bytes> listed;
      for (const auto& entry : must(registry->crl_order(ca.id, kNow)).revoked) listed.insert(entry.serial);
      EXPECT_EQ(listed, expected[ca.id]) << ca.subject;
    }
  }

  std::mt19937 random;
  Model model;
  Gate gate;
  std::map<std::string, Enrollment> enrollments;
  std::map<std::string, std::string> named;
  std::string policy_key;
  int incarnations = 0;
  int generations = 0;
};

// Rows: R-7-21, R-7-24, R-7-26, R-7-27
TEST_F(Walk, gate_and_lists_agree_with_the_rules_after_every_step) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::cout << "seed " << seed << '\n';
  random.seed(seed);
  start();
  for (int number = 0; number < 2000; ++number) {
    step();
    compare(number);
    if (number % 100 == 99) compare_lists();
    if (HasFailure()) return;
  }
  EXPECT_GT(model.certificates.size(), 20u) << "the walk went somewhere";
}

}  // namespace
}  // namespace latchkey::registry
