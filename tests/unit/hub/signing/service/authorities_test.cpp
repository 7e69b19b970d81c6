// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/authorities.h"

#include "hub/signing/certificates/revocation_list.h"
#include "hub/signing/timestamp/token.h"
#include "hub/text/encoding.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::signing {
namespace {

using namespace test;  // NOLINT: the world is for these tests
using registry::Reason;

TEST(Authorities, has_a_root_and_an_issuing_ca_for_each_kind_of_trust) {
  ServiceWorld world;
  for (const TrustKind kind : {TrustKind::kPublic, TrustKind::kPublicTest, TrustKind::kPrivate}) {
    const auto& root = world.service->authorities().root(kind);
    const auto& issuing = world.service->authorities().issuing(kind);
    EXPECT_EQ(X509_verify(issuing.certificate.get(), X509_get0_pubkey(root.certificate.get())), 1);
    EXPECT_THAT(subject_of(root.certificate.get()), testing::HasSubstr("Not For Production"));
  }
  EXPECT_NE(subject_of(world.service->authorities().root(TrustKind::kPublic).certificate.get()),
            subject_of(world.service->authorities().root(TrustKind::kPrivate).certificate.get()));
}

TEST(Authorities, are_made_once_and_kept) {
  ServiceWorld world;
  const Bytes before = certificate_der(world.service->authorities().root(TrustKind::kPublic).certificate.get());
  const int made = world.keys.made;
  world.restart();
  EXPECT_EQ(certificate_der(world.service->authorities().root(TrustKind::kPublic).certificate.get()), before);
  EXPECT_EQ(world.keys.made, made);
}

TEST(Authorities, keys_that_nothing_names_are_erased_at_the_start) {
  ServiceWorld world;
  const std::size_t before = world.keys.size();
  ASSERT_TRUE(world.keys.make(KeyKind::kEcP256));
  world.restart();
  EXPECT_EQ(world.keys.size(), before);
}

TEST(Authorities, a_start_whose_keys_are_gone_is_refused) {
  ServiceWorld world;
  world.service.reset();
  ASSERT_TRUE(world.keys.erase_unnamed({}));
  const auto opened = Service::open(
      registry::rows_of(*world.registry), world.keys, world.directory, nullptr, [] { return kStart; }, quick_options(),
      world.call());
  EXPECT_FALSE(opened);
}

// Keeps keys as PaperKeys does, all of them P-256, and knows what it was asked for; may have none any more.
class ScarceKeys final : public KeyStore {
 public:
  explicit ScarceKeys(int left) : left_(left) {}
  Answer<Kept> make(KeyKind kind) override {
    {
      const std::lock_guard lock(mutex_);
      asked.push_back(kind);
    }
    if (left_.fetch_sub(1) <= 0) return registry::refuse(Reason::kStorage, "no room for a key");
    return paper.make(KeyKind::kEcP256);
  }
  Answer<SigningKey> load(const std::string& key_ref) override { return paper.load(key_ref); }
  Answer<registry::Nothing> erase(const std::string& key_ref) override { return paper.erase(key_ref); }
  Answer<registry::Nothing> erase_unnamed(const std::set<std::string>& named) override {
    return paper.erase_unnamed(named);
  }
  void refill() { left_ = 100; }
  PaperKeys paper;
  std::vector<KeyKind> asked;

 private:
  std::mutex mutex_;
  std::atomic<int> left_;
};

constexpr std::size_t kOwnKeys = 8;  // four roots, three issuing CAs, a timestamper

// A registry of its own in which the service has never been.
struct FirstStart {
  explicit FirstStart(int keys_left) : keys(keys_left) {}
  auto open() {
    return Authorities::open(rows, keys, [] { return kStart; }, {}, {"tester", kStart});
  }
  tests::MemoryFolder folder;
  std::unique_ptr<registry::Registry> registry =
      std::move(*registry::Registry::open({.path = folder.file("registry.db")}, openssl::host_digest()));
  registry::signing::CertificateRows rows{registry::rows_of(*registry)};
  ScarceKeys keys;
};

TEST(Authorities, have_rsa_keys_unless_others_are_asked_for) {
  FirstStart first(100);
  ASSERT_TRUE(first.open());
  EXPECT_EQ(first.keys.asked, std::vector<KeyKind>(kOwnKeys, KeyKind::kRsa3072));
}

TEST(Authorities, start_that_gets_no_key_for_one_of_them_leaves_no_row_and_can_be_repeated) {
  for (int left = 0; left < static_cast<int>(kOwnKeys); ++left) {
    FirstStart first(left);
    const auto refused = first.open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().detail, "no room for a key");
    EXPECT_TRUE(first.rows.authorities()->empty());
    first.keys.refill();
    EXPECT_TRUE(first.open());
    EXPECT_EQ(first.keys.paper.size(), kOwnKeys);
  }
}

TEST(Authorities, publishes_a_list_of_every_ca_at_the_start) {
  ServiceWorld world;
  auto& authorities = world.service->authorities();
  RevocationLists lists;
  for (const auto* ca : {&authorities.root(TrustKind::kPublic), &authorities.issuing(TrustKind::kPublic),
                         &authorities.root(TrustKind::kTimestamp)}) {
    ASSERT_TRUE(lists.add(must(authorities.list(ca->id))));
  }
  EXPECT_EQ(lists
                .ask(authorities.issuing(TrustKind::kPublic).certificate.get(),
                     authorities.root(TrustKind::kPublic).certificate.get(), kStart)
                .standing,
            RevocationLists::Standing::kGood);
  EXPECT_REFUSED(authorities.list(random_id()), Reason::kNotFound);
}

TEST(Authorities, lists_are_made_anew_before_they_end_with_a_higher_number) {
  ServiceWorld world;
  auto& authorities = world.service->authorities();
  const Uuid id = authorities.issuing(TrustKind::kPublic).id;
  const Bytes first = must(authorities.list(id));
  world.now = kStart + 3 * kDay;
  ASSERT_TRUE(world.service->tick());
  EXPECT_EQ(must(authorities.list(id)), first);
  world.now = kStart + 4 * kDay;
  ASSERT_TRUE(world.service->tick());
  const Bytes second = must(authorities.list(id));
  EXPECT_NE(second, first);
  RevocationLists lists;
  ASSERT_TRUE(lists.add(second));
  // In force when the first one is not any more.
  EXPECT_EQ(lists
                .ask(world.service->authorities().issuing(TrustKind::kPublic).certificate.get(),
                     authorities.issuing(TrustKind::kPublic).certificate.get(), kStart + 10 * kDay)
                .standing,
            RevocationLists::Standing::kGood);
}

TEST(Authorities, the_timestamper_stamps_by_the_service_clock) {
  ServiceWorld world;
  world.now = kStart + 5 * kHour;
  const auto request = make_timestamp_request(Hash::kSha256, ByteView(std::string_view("stamped")), {});
  const auto token = token_of_response(world.service->authorities().timestamper()->answer(*request));
  ASSERT_TRUE(token) << token.error().detail;
  TimestampTrust trust;
  trust.roots = {world.service->authorities().root(TrustKind::kTimestamp).certificate.get()};
  trust.unknown = UnknownRevocation::kAccept;
  const auto stamp = check_timestamp(*token, ByteView(std::string_view("stamped")), trust, world.now + kHour);
  ASSERT_TRUE(stamp) << stamp.error().detail;
  EXPECT_EQ(stamp->at, world.now.load());
}

// Timestamps through the years.
class TimestamperRenewal : public testing::Test {
 protected:
  static constexpr UnixMs kYear = 365 * kDay;
  static constexpr std::string_view kWords = "stamped";

  Bytes stamp() {
    const auto request = make_timestamp_request(Hash::kSha256, ByteView(kWords), {});
    auto token = token_of_response(world.service->authorities().timestamper()->answer(*request));
    EXPECT_TRUE(token) << token.error().detail;
    return token.value_or(Bytes{});
  }
  // The time in it; -1 when it does not verify now, by the list of now.
  UnixMs time_in(const Bytes& token) {
    auto& root = world.service->authorities().root(TrustKind::kTimestamp);
    RevocationLists lists;
    EXPECT_TRUE(lists.add(must(world.service->authorities().list(root.id))));
    TimestampTrust trust;
    trust.roots = {root.certificate.get()};
    trust.lists = &lists;
    const auto stamp = check_timestamp(token, ByteView(kWords), trust, world.now);
    EXPECT_TRUE(stamp) << stamp.error().detail;
    return stamp ? stamp->at : -1;
  }
  std::vector<registry::signing::Authority> timestampers() {
    auto rows = must(registry::signing::CertificateRows(rows_of(*world.registry)).authorities());
    std::erase_if(rows, [](const auto& row) { return row.role != registry::signing::AuthorityRole::kTimestamper; });
    return rows;
  }
  void pass(UnixMs at) {
    world.now = at;
    const auto ticked = world.service->tick();
    ASSERT_TRUE(ticked) << ticked.error().detail;
  }

  ServiceWorld world;
};

// Rows: S-6-128
TEST_F(TimestamperRenewal, another_takes_over_in_time_and_tokens_from_before_still_verify) {
  const std::size_t keys = world.keys.size();
  const Bytes first = stamp();
  pass(kStart + 5 * kYear - 2 * kDay);
  EXPECT_EQ(timestampers().size(), 1u);
  pass(kStart + 5 * kYear);
  const auto rows = timestampers();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(rows[0].key_ref.empty()) << "the key of the one before is erased";
  EXPECT_FALSE(rows[1].key_ref.empty());
  EXPECT_EQ(world.keys.size(), keys);
  const Bytes second = stamp();
  EXPECT_EQ(time_in(first), kStart);
  EXPECT_EQ(time_in(second), kStart + 5 * kYear);

  world.restart();
  EXPECT_EQ(timestampers().size(), 2u);
  const Bytes third = stamp();
  world.now = kStart + 22 * kYear;  // the first one's certificate has ended
  ASSERT_TRUE(world.service->tick());
  EXPECT_EQ(time_in(first), kStart);
  EXPECT_EQ(time_in(third), kStart + 5 * kYear);
}

TEST_F(TimestamperRenewal, comes_at_once_after_years_without_a_tick) {
  pass(kStart + 25 * kYear);
  EXPECT_EQ(time_in(stamp()), world.now.load());
}

TEST_F(TimestamperRenewal, no_certificate_outlives_its_root) {
  pass(kStart + 38 * kYear);
  EXPECT_EQ(time_in(stamp()), world.now.load());
  const auto rows = timestampers();
  const Window root = window_of(world.service->authorities().root(TrustKind::kTimestamp).certificate.get());
  EXPECT_EQ(rows.back().not_after, root.not_after);
  world.now = root.not_after + kDay;
  EXPECT_REFUSED(world.service->authorities().renew_timestamper(world.call()), Reason::kPreconditionFailed);
  EXPECT_EQ(timestampers().size(), rows.size());
}

TEST_F(TimestamperRenewal, clock_that_is_set_back_gets_one_that_is_valid_then) {
  pass(kStart + 10 * kYear);
  pass(kStart + 2 * kYear);
  EXPECT_EQ(time_in(stamp()), kStart + 2 * kYear);
}

TEST_F(TimestamperRenewal, crash_before_the_former_key_was_erased_is_made_good) {
  const auto kept = must(world.keys.make(KeyKind::kEcP256));
  const auto& root = world.service->authorities().root(TrustKind::kTimestamp);
  const Window window{kStart, kStart + 20 * kYear};
  const auto made = make_timestamper("Latchkey Test TSA", kept.key.get(), random_serial(), window, root.issuer());
  ASSERT_TRUE(made);
  registry::signing::Authority row = timestampers().front();
  row.id = random_id();
  row.serial = serial_of(made->get());
  row.der = certificate_der(made->get());
  row.key_ref = kept.key_ref;
  row.not_before = window.not_before;
  row.not_after = window.not_after;
  ASSERT_TRUE(registry::signing::CertificateRows(rows_of(*world.registry)).add_authorities(world.call(), {row}));
  const std::size_t keys = world.keys.size();
  world.restart();
  EXPECT_EQ(time_in(stamp()), kStart);
  ASSERT_TRUE(world.service->tick());
  EXPECT_EQ(world.keys.size(), keys - 1);
  EXPECT_TRUE(timestampers()[0].key_ref.empty());
  EXPECT_EQ(timestampers()[1].key_ref, kept.key_ref);
}

// Issuing CAs through the years.
class IssuingRenewal : public testing::Test {
 protected:
  static constexpr UnixMs kYear = 365 * kDay;

  void pass(UnixMs at) {
    world.now = at;
    const auto ticked = world.service->tick();
    ASSERT_TRUE(ticked) << ticked.error().detail;
  }
  const Authorities::Ca& issuing() { return world.service->authorities().issuing(TrustKind::kPublic); }
  // Signed now, by a certificate of now; its row.
  registry::signing::Certificate signed_by() {
    EXPECT_EQ(world.sign(profile).status, registry::signing::OperationStatus::kSucceeded);
    return world.certificates(profile).back();
  }
  // What stands on the list of that CA.
  RevocationLists::Standing standing(const registry::signing::Certificate& certificate) {
    const auto* ca = world.service->authorities().find(certificate.authority);
    RevocationLists lists;
    EXPECT_TRUE(lists.add(must(world.service->authorities().list(certificate.authority))));
    return lists.ask(certificate_from_der(certificate.der).get(), ca->certificate.get(), world.now).standing;
  }
  void expect_path(const registry::signing::Certificate& certificate) {
    const auto* ca = world.service->authorities().find(certificate.authority);
    ASSERT_NE(ca, nullptr);
    const auto& root = world.service->authorities().root(TrustKind::kPublic);
    const auto leaf = certificate_from_der(certificate.der);
    EXPECT_EQ(X509_verify(leaf.get(), X509_get0_pubkey(ca->certificate.get())), 1);
    EXPECT_EQ(X509_verify(ca->certificate.get(), X509_get0_pubkey(root.certificate.get())), 1);
    EXPECT_LE(certificate.not_after, window_of(ca->certificate.get()).not_after);
  }

  ServiceWorld world;
  ProfileFacts profile = world.profile();
};

// Rows: S-6-131
TEST_F(IssuingRenewal, another_takes_over_in_time_and_lists_of_both_go_on) {
  const Uuid first = issuing().id;
  const std::size_t authorities = world.service->authorities().ids().size();
  const auto before = signed_by();
  EXPECT_EQ(before.authority, first);
  pass(kStart + 10 * kYear - 2 * kDay);
  EXPECT_EQ(issuing().id, first);
  pass(kStart + 10 * kYear);
  EXPECT_NE(issuing().id, first);
  EXPECT_EQ(world.service->authorities().ids().size(), authorities + 3) << "one of each kind of trust";
  const auto after = signed_by();
  EXPECT_EQ(after.authority, issuing().id);
  expect_path(before);
  expect_path(after);
  EXPECT_EQ(standing(before), RevocationLists::Standing::kGood);
  EXPECT_EQ(standing(after), RevocationLists::Standing::kGood);

  world.restart();
  EXPECT_EQ(world.service->authorities().ids().size(), authorities + 3);
  EXPECT_EQ(issuing().id, after.authority);
  pass(kStart + 10 * kYear + kDay);
  EXPECT_EQ(issuing().id, after.authority) << "once";
  // What the one before certified is revoked by the one before, ten years later.
  const RevocationOrder order{text::hex(before.serial), text::hex(before.thumbprint), before.not_before + kHour,
                              "KeyCompromised"};
  ASSERT_TRUE(world.service->revocations().revoke(world.call(), profile, {order}));
  EXPECT_EQ(standing(before), RevocationLists::Standing::kRevoked);
  EXPECT_EQ(standing(after), RevocationLists::Standing::kGood);
  pass(kStart + 36 * kYear);  // and its list goes on when its certificate has ended
  EXPECT_EQ(standing(before), RevocationLists::Standing::kRevoked);
}

TEST_F(IssuingRenewal, comes_at_once_after_years_without_a_tick) {
  const Uuid first = issuing().id;
  pass(kStart + 33 * kYear);
  EXPECT_NE(issuing().id, first);
  expect_path(signed_by());
}

TEST_F(IssuingRenewal, ends_with_its_root_and_then_nothing_is_certified) {
  const UnixMs end = window_of(world.service->authorities().root(TrustKind::kPublic).certificate.get()).not_after;
  pass(end - 20 * kDay);
  const Uuid last = issuing().id;
  EXPECT_EQ(window_of(issuing().certificate.get()).not_after, end);
  expect_path(signed_by());
  pass(end - 10 * kDay);
  EXPECT_EQ(issuing().id, last) << "another one could live no longer";
  world.now = end + kDay;
  EXPECT_REFUSED(world.service->authorities().renew_issuing(world.call()), Reason::kPreconditionFailed);
  EXPECT_REFUSED(world.service->tick(), Reason::kPreconditionFailed);
  const auto refused = world.service->signing().sign(world.call(), profile, Algorithm::kEs256, world.digest());
  EXPECT_TRUE(!refused || refused->status == registry::signing::OperationStatus::kFailed);
}

TEST_F(IssuingRenewal, clock_that_is_set_back_is_certified_by_the_one_of_then) {
  const Uuid first = issuing().id;
  pass(kStart + 12 * kYear);
  pass(kStart + 2 * kYear);
  EXPECT_EQ(issuing().id, first);
  expect_path(signed_by());
}

}  // namespace
}  // namespace latchkey::hub::signing
