// SPDX-License-Identifier: Apache-2.0
// A signing service over a real registry, with profiles and keys on paper and a clock that is set.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hub/signing/service/service.h"
#include "platform/openssl/digest.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {

// EXPECT_REFUSED(answer, Reason): it is a refusal, for that reason, and says something.
#define EXPECT_REFUSED(expression, expected)                                                      \
  do {                                                                                            \
    const auto& refused_answer = (expression);                                                    \
    ASSERT_FALSE(refused_answer) << "not refused";                                                \
    EXPECT_EQ(registry::to_string(refused_answer.error().reason), registry::to_string(expected)); \
    EXPECT_FALSE(refused_answer.error().detail.empty());                                          \
  } while (false)

template <class T>
T must(Answer<T> answer) {
  EXPECT_TRUE(answer) << (answer ? "" : answer.error().detail);
  return answer ? std::move(*answer) : T{};
}

class PaperKeys final : public KeyStore {
 public:
  Answer<Kept> make(KeyKind kind) override {
    openssl::PkeyPtr key = make_key(kind);
    while (blocked) std::this_thread::yield();
    const std::lock_guard lock(mutex_);
    const std::string name = "key-" + std::to_string(++made);
    keys_[name] = SigningKey(key.release(), EVP_PKEY_free);
    return Kept{name, keys_[name]};
  }
  Answer<SigningKey> load(const std::string& key_ref) override {
    const std::lock_guard lock(mutex_);
    if (keys_.contains(key_ref)) return keys_[key_ref];
    return registry::refuse(registry::Reason::kNotFound, "no key " + key_ref);
  }
  Answer<registry::Nothing> erase(const std::string& key_ref) override {
    const std::lock_guard lock(mutex_);
    keys_.erase(key_ref);
    return registry::Nothing{};
  }
  Answer<registry::Nothing> erase_unnamed(const std::set<std::string>& named) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(keys_, [&](const auto& one) { return !named.contains(one.first); });
    return registry::Nothing{};
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return keys_.size();
  }
  std::atomic<int> made = 0;
  std::atomic<bool> blocked = false;  // nobody gets a new key until it is false again

 private:
  std::mutex mutex_;
  std::map<std::string, SigningKey> keys_;
};

class PaperDirectory final : public ProfileDirectory {
 public:
  Answer<ProfileFacts> find(std::string_view account, std::string_view profile) override {
    const std::lock_guard lock(mutex_);
    for (const auto& one : profiles_) {
      if (same(one.account_name, account) && same(one.profile_name, profile)) return one;
    }
    return registry::refuse(registry::Reason::kNotFound, "no such profile");
  }
  Answer<std::vector<ProfileFacts>> active() override {
    const std::lock_guard lock(mutex_);
    return profiles_;
  }
  Answer<registry::Nothing> disable(const registry::Call&, const ProfileFacts& profile) override {
    const std::lock_guard lock(mutex_);
    for (auto& one : profiles_) {
      if (one.profile == profile.profile) one.profile_standing = Standing::kDisabled;
    }
    return registry::Nothing{};
  }
  ProfileFacts put(ProfileFacts facts) {
    const std::lock_guard lock(mutex_);
    std::erase_if(profiles_, [&](const ProfileFacts& one) { return one.profile == facts.profile; });
    profiles_.push_back(facts);
    return facts;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    profiles_.clear();
  }

 private:
  static bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return std::tolower(x) == std::tolower(y); });
  }
  std::mutex mutex_;
  std::vector<ProfileFacts> profiles_;
};

struct PaperNotices final : Notices {
  void revoked(const ProfileFacts& profile, const registry::signing::Certificate&) override {
    const std::lock_guard lock(mutex);
    told.push_back(profile.profile_name);
  }
  std::mutex mutex;
  std::vector<std::string> told;
};

inline Service::Options quick_options() {
  Service::Options options;
  options.authorities.ca_key = KeyKind::kEcP256;  // RSA takes seconds to make
  options.authorities.timestamper_key = KeyKind::kEcP256;
  options.signing.workers = 2;
  return options;
}

class ServiceWorld {
 public:
  explicit ServiceWorld(Service::Options options = quick_options()) : options_(std::move(options)) {
    registry = std::move(*registry::Registry::open({.path = folder.file("registry.db")}, openssl::host_digest()));
    start();
  }
  ~ServiceWorld() { service.reset(); }

  void start() {
    auto opened = Service::open(
        registry::rows_of(*registry), keys, directory, &notices, [this] { return now.load(); }, options_, call());
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
    if (opened) service = std::move(*opened);
  }
  // As after the process ended and began again.
  void restart() {
    service.reset();
    start();
  }

  registry::Call call() const { return {"tester", now.load()}; }

  ProfileFacts profile(const std::string& name = "release", KeyKind key = KeyKind::kEcP256,
                       ProfileType type = ProfileType::kPublicTrust) {
    ProfileFacts facts;
    facts.account = account;
    facts.profile = random_id();
    facts.account_name = "contoso";
    facts.profile_name = name;
    facts.region = "EastUS";
    facts.type = type;
    facts.subject.common_name = facts.subject.organization = "Contoso Inc";
    facts.subject.city = facts.subject.state = "New York";
    facts.subject.country = "US";
    facts.durable_eku = durable_eku(type, {990309390, 766961637, 194916062, 941502583});
    facts.key = key;
    return directory.put(facts);
  }

  Bytes digest(std::string_view words = "firmware", Hash hash = Hash::kSha256) const {
    return digest_of(hash, ByteView(words));
  }
  // Signs and answers the operation as it ended.
  SignService::Operation sign(const ProfileFacts& facts, Algorithm algorithm = Algorithm::kEs256) {
    const Hash hash = facts_of(algorithm).hash;
    return must(service->signing().sign(call(), facts, algorithm, digest("firmware", hash)));
  }
  std::vector<registry::signing::Certificate> certificates(const ProfileFacts& facts) {
    return must(service->certificates_of(facts));
  }

  tests::MemoryFolder folder;
  std::atomic<UnixMs> now = kStart;
  const Uuid account = random_id();
  std::unique_ptr<registry::Registry> registry;
  PaperKeys keys;
  PaperDirectory directory;
  PaperNotices notices;
  std::unique_ptr<Service> service;

 private:
  const Service::Options options_;
};

}  // namespace latchkey::hub::signing::test
