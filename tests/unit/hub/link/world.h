// SPDX-License-Identifier: Apache-2.0
// A real registry in a temporary folder with one hub, a feeder that follows it, and a gate that is told what to do.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "platform/openssl/digest.h"
#include "registry/operations/registry.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/hub/link/fake_gate.h"

namespace latchkey::hub::link::test {

class World : public testing::Test {
 protected:
  World() {
    registry_ = std::move(*registry::Registry::open({(folder_ / "registry.db").string()}, openssl::host_digest()));
    EXPECT_TRUE(registry_->create_namespace(call(), "default"));
    EXPECT_TRUE(registry_->create_credential(call(), "default", ca("CN=root", 1)));
    EXPECT_TRUE(registry_->create_hub(call(), "default", "hub", "127.0.0.2"));
    EXPECT_TRUE(registry_->create_policy(call(), "default", {"standard", 30, ca("CN=issuing", 2)}));
    feeder_ = std::make_unique<Feeder>(registry_.get(), "hub", [this](const wire::Batch& b) { return gate_.take(b); });
    gate_.feeder = feeder_.get();
    registry_->set_commit_listener([this](registry::Sequence newest) { feeder_->committed(newest); });
  }
  ~World() override {
    feeder_->stop();
    registry_->close();
    registry_.reset();
  }

  // A broker process with a gate in it that is connected.
  void connect() {
    feeder_->start();
    feeder_->process_started();
    feeder_->gate_up();
  }
  // The same, and the gate holds its first snapshot: whatever changes now comes as an increment.
  void begin() {
    connect();
    EXPECT_TRUE(feeder_->wait_clock(kPatienceMs));
  }
  registry::Sequence create(const std::string& id) {
    const auto created = registry_->create_device(call(), "default", id);
    EXPECT_TRUE(created);
    return created ? created->sequence : 0;
  }
  registry::Sequence revoke(const std::string& id) {
    const auto revoked = registry_->revoke_device(call(), "default", id, false);
    EXPECT_TRUE(revoked);
    return revoked ? revoked->sequence : 0;
  }
  bool applied(registry::Sequence sequence) { return feeder_->wait(sequence, Progress::kApplied, kPatienceMs); }
  bool cut(registry::Sequence sequence, int timeout_ms = kPatienceMs) {
    return feeder_->wait(sequence, Progress::kCut, timeout_ms);
  }
  CredentialId held(const std::string& id) {
    CredentialId credential;
    EXPECT_TRUE(gate_.wait([&](const FakeGate& gate) { return gate.devices().contains(id); }));
    gate_.wait([&](const FakeGate& gate) {
      credential = gate.devices().at(id).credential_id;
      return true;
    });
    return credential;
  }
  CredentialId current(const std::string& id) { return registry_->find_device("default", id)->credential_id; }

  static registry::Call call() { return {"test", 1'768'730'400'000}; }
  static registry::NewCa ca(const std::string& subject, std::uint8_t number) {
    registry::NewCa made;
    made.id.bytes.fill(number);
    made.subject = subject;
    made.serial = registry::Bytes(16, number);
    made.not_before = call().now - 1000;
    made.not_after = call().now + 365LL * 86'400'000;
    made.der = registry::Bytes(subject.begin(), subject.end());
    made.key_ref = subject;
    made.issuer.bytes.fill(1);  // the root
    return made;
  }

  const tests::MemoryFolder folder_;
  std::unique_ptr<registry::Registry> registry_;
  FakeGate gate_;
  std::unique_ptr<Feeder> feeder_;
};

}  // namespace latchkey::hub::link::test
