// SPDX-License-Identifier: Apache-2.0
// A real registry with devices, real bundles in a folder, the statement key beside them, and an outbox that keeps what
// goes out.
#pragma once

#include <gmock/gmock.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "hub/firmware/desk.h"
#include "hub/text/encoding.h"
#include "hub/wire/firmware.h"
#include "registry/operations/rows.h"
#include "registry/signing/certificates.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/hub/firmware/bundle_maker.h"
#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::firmware {

using nlohmann::json;
using registry::Call;
using registry::Reason;
using registry::firmware::Campaign;
using registry::firmware::Event;
using registry::firmware::Report;

// It is a refusal, for that reason, and says something.
#define EXPECT_REFUSED(expression, expected)                                                       \
  do {                                                                                             \
    const auto& refused_outcome = (expression);                                                    \
    ASSERT_FALSE(refused_outcome) << "not refused";                                                \
    EXPECT_EQ(registry::to_string(refused_outcome.error().reason), registry::to_string(expected)); \
    EXPECT_FALSE(refused_outcome.error().detail.empty());                                          \
  } while (false)

template <class T>
T must(registry::Outcome<T> outcome) {
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().detail);
  return outcome ? std::move(*outcome) : T{};
}

inline std::string hex(const Bytes& bytes) { return text::hex(ByteView(bytes)); }

struct Sent {
  wire::ConnectionId connection = 0;
  std::string topic;
  Bytes payload;
  json body() const { return json::parse(payload.begin(), payload.end(), nullptr, false); }
};

class FakeOutbox : public Outbox {
 public:
  void deliver(wire::Deliver message) override {
    EXPECT_EQ(message.qos, 1);
    const std::lock_guard lock(mutex_);
    sent_.push_back({message.connection, message.topic, std::move(message.payload)});
  }
  std::vector<Sent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sent_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Sent> sent_;
};

class FirmwareTest : public testing::Test {
 protected:
  FirmwareTest()
      : bundles(std::move(*Bundles::open(folder.path() / "firmware"))),
        statements(rows_of(*registry), key_file),
        rows(rows_of(*registry)) {
    for (const char* id : {"dev-1", "dev-2", "dev-3"}) registry.must(registry->create_device(call(), "default", id));
  }
  static Call call() { return test::TemporaryRegistry::call(); }

  // Published for dev-1 and dev-2, or whom it is said for.
  Campaign publish(const Bytes& bundle, std::vector<std::string> devices = {"dev-1", "dev-2"}, int percent = 100) {
    const auto facts = must(facts_of(bundle));
    EXPECT_TRUE(bundles.keep(facts.id, bundle));
    registry::firmware::NewCampaign wanted{facts.id,    facts.size, facts.board,        facts.version,
                                           facts.image, "",         std::move(devices), percent};
    return must(rows.publish(call(), "default", wanted));
  }
  registry::Device device(const std::string& id) { return must(registry->find_device("default", id)); }
  registry::AuditRecord newest_audit() { return (*registry->list_audit(0, 1)).front(); }
  // The signing service's root and issuing CA, as its first start makes them.
  void open_signing_service() {
    using registry::signing::Authority;
    using registry::signing::AuthorityRole;
    Authority root;
    root.id = root.issuer = registry::fresh_uuid();
    root.der = signing::certificate_der(signer.root.x509());
    Authority issuing;
    issuing.id = registry::fresh_uuid();
    issuing.issuer = root.id;
    issuing.role = AuthorityRole::kIssuing;
    issuing.der = signing::certificate_der(signer.issuing.x509());
    Authority timestamper;
    timestamper.id = registry::fresh_uuid();
    timestamper.issuer = root.id;
    timestamper.role = AuthorityRole::kTimestamper;
    timestamper.der = signing::certificate_der(signer.tsa.x509());
    must(certificates.add_authorities(call(), {root, issuing, timestamper}));
    issuing_id = issuing.id;
  }
  // A certificate of a profile that is revoked from then on.
  void revoke(std::uint8_t number, UnixMs effective_at, std::size_t serial_size = 1, const std::string& eku = {}) {
    registry::signing::Certificate one;
    one.eku = eku;
    one.serial = Bytes(serial_size, number);
    one.authority = issuing_id;
    one.thumbprint = Bytes(20, number);
    one.not_before = effective_at - 1000;
    one.not_after = effective_at + 1000;
    must(certificates.add(call(), "profile", one));
    must(certificates.revoke(call(), "profile", one.profile, {{one.serial, one.thumbprint, effective_at, 1, ""}},
                             registry::signing::CertificateRows::Hold::kNo));
  }

  test::TemporaryRegistry registry;
  tests::MemoryFolder folder;
  signing::test::World signer;
  Uuid issuing_id;
  Bundles bundles;
  StatementKeyFile key_file{folder.path() / "firmware"};
  Statements statements;
  registry::firmware::CampaignRows rows;
  registry::signing::CertificateRows certificates{rows_of(*registry)};
};

}  // namespace latchkey::hub::firmware
