// SPDX-License-Identifier: Apache-2.0
// A real registry with one namespace, credential, policy, hub and enrollment group, and an authority whose keys are
// counted as they are used.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/issuance.h"
#include "platform/openssl/digest.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {

// Counts how often each key was asked for, which is once a signature; another thread may wait for it.
class CountingKeys : public KeyProvider {
 public:
  explicit CountingKeys(KeyProvider& real) : real_(real) {}
  using KeyProvider::generate;
  registry::Outcome<GeneratedKey> generate(KeyAlgorithm algorithm) override { return real_.generate(algorithm); }
  registry::Outcome<void> destroy(const std::string& key_ref) override { return real_.destroy(key_ref); }
  registry::Outcome<std::size_t> destroy_unnamed(const std::set<std::string>& named) override {
    return real_.destroy_unnamed(named);
  }
  registry::Outcome<void> check(const std::set<std::string>& named) override { return real_.check(named); }
  std::string told() const override { return real_.told(); }
  registry::Outcome<SigningKey> load(const std::string& key_ref) override {
    {
      const std::scoped_lock lock(mutex_);
      ++loads_[key_ref];
    }
    changed_.notify_all();
    return real_.load(key_ref);
  }
  int count(const std::string& key_ref) {
    const std::scoped_lock lock(mutex_);
    return loads_[key_ref];
  }
  // False after half a minute, which only a broken publisher needs.
  bool wait_for(const std::string& key_ref, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return loads_[key_ref] >= count; });
  }

 private:
  KeyProvider& real_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> loads_;  // guarded by mutex_
};

class World : public ::testing::Test {
 protected:
  void SetUp() override {
    auto files = FileKeyProvider::open(folder_ / "keys");
    ASSERT_TRUE(files);
    files_ = *std::move(files);
    keys_ = std::make_unique<CountingKeys>(*files_);
    authority_ = std::make_unique<Authority>(*keys_, Authority::Options{});
    open_registry();
    create_resources();
  }
  void TearDown() override {
    if (registry_) registry_->close();
  }

  void open_registry() {
    registry_.reset();
    registry::Registry::Options options;
    options.path = (folder_ / "registry.db").string();
    auto opened = registry::Registry::open(options, openssl::host_digest());
    ASSERT_TRUE(opened) << opened.error().detail;
    registry_ = *std::move(opened);
  }
  void create_resources() {
    ASSERT_TRUE(registry_->create_namespace(call_, "space"));
    ASSERT_TRUE(registry_->create_hub(call_, "space", "hub", "localhost"));
    const auto root = authority_->make_root(registry::KeyProfile::kEcP256, kNow);
    ASSERT_TRUE(root);
    ASSERT_TRUE(registry_->create_credential(call_, "space", *root));
    root_ = *registry_->find_ca(root->id);
    const auto issuing = authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow);
    ASSERT_TRUE(issuing);
    ASSERT_TRUE(registry_->create_policy(call_, "space", {"policy", 30, *issuing}));
    issuing_ = *registry_->find_ca(issuing->id);
    registry::NewEnrollment enrollment;
    enrollment.id = "all";
    enrollment.group = true;
    enrollment.namespace_name = "space";
    enrollment.primary = registry::Bytes(32, 7);
    enrollment.policy_name = "policy";
    ASSERT_TRUE(registry_->create_enrollment(call_, enrollment));
    enrollment_ = registry_->find_enrollment("all", true)->uuid;
  }

  // What provisioning asks of the registry before it has a certificate signed.
  registry::IssuanceGrant grant(const std::string& device) {
    registry::RegistrationRequest request;
    request.registration_id = device;
    request.enrollment = enrollment_;
    request.wants_certificate = true;
    request.serial = Authority::new_serial();
    request.operation_id = "operation-" + hex(request.serial);
    const auto granted = registry_->register_device(call_, request);
    EXPECT_TRUE(granted) << granted.error().detail;
    EXPECT_TRUE(granted->value.issuance);
    return *granted->value.issuance;
  }
  Csr csr(const std::string& device) {
    auto read = authority_->read_csr(base64(make_csr(folder_, "/CN=" + device)), device);
    EXPECT_TRUE(read) << read.error().detail;
    return *std::move(read);
  }
  registry::CertificateStatus status_of(const std::string& device, const registry::Bytes& serial) {
    const auto listed = registry_->list_certificates("space", device);
    for (const auto& certificate : *listed) {
      if (certificate.serial == serial) return certificate.status;
    }
    ADD_FAILURE() << "no such certificate";
    return registry::CertificateStatus::kReserved;
  }

  tests::MemoryFolder folder_;
  std::unique_ptr<FileKeyProvider> files_;
  std::unique_ptr<CountingKeys> keys_;
  std::unique_ptr<Authority> authority_;
  std::unique_ptr<registry::Registry> registry_;
  const registry::Call call_{"test", kNow};
  registry::CaCertificate root_;
  registry::CaCertificate issuing_;
  Uuid enrollment_;
};

}  // namespace latchkey::hub::ca::test
