// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/sign_service.h"

#include <latch>
#include <set>
#include <thread>

#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::signing {
namespace {

using namespace test;  // NOLINT: the world is for these tests
using registry::Reason;
using registry::signing::OperationStatus;

bool holds(ServiceWorld& world, const SignService::Operation& operation, Algorithm algorithm, ByteView digest) {
  const auto row = must(world.service->certificate(operation.certificate));
  if (!row) return false;
  const auto certificate = certificate_from_der(row->der);
  return certificate && verify_digest(X509_get0_pubkey(certificate.get()), algorithm, digest, operation.signature);
}

// Rows: S-6-103
TEST(SignService, all_ten_algorithms_sign) {
  ServiceWorld world;
  const auto rsa = world.profile("rsa", KeyKind::kRsa3072);
  const auto p256 = world.profile("p256", KeyKind::kEcP256);
  const auto p384 = world.profile("p384", KeyKind::kEcP384);
  const auto p521 = world.profile("p521", KeyKind::kEcP521);
  const auto k256 = world.profile("k256", KeyKind::kEcSecp256k1);
  const std::pair<Algorithm, const ProfileFacts&> cases[] = {
      {Algorithm::kRs256, rsa},  {Algorithm::kRs384, rsa},  {Algorithm::kRs512, rsa},  {Algorithm::kPs256, rsa},
      {Algorithm::kPs384, rsa},  {Algorithm::kPs512, rsa},  {Algorithm::kEs256, p256}, {Algorithm::kEs384, p384},
      {Algorithm::kEs512, p521}, {Algorithm::kEs256k, k256}};
  for (const auto& [algorithm, facts] : cases) {
    const auto operation = world.sign(facts, algorithm);
    ASSERT_EQ(operation.status, OperationStatus::kSucceeded) << facts_of(algorithm).name << operation.error;
    EXPECT_TRUE(holds(world, operation, algorithm, world.digest("firmware", facts_of(algorithm).hash)))
        << facts_of(algorithm).name;
  }
}

// Rows: S-6-104
TEST(SignService, a_digest_of_another_length_is_refused) {
  ServiceWorld world;
  const auto facts = world.profile();
  for (const std::size_t size : {0, 1, 20, 31, 33, 48, 64}) {
    EXPECT_REFUSED(world.service->signing().begin(world.call(), facts, Algorithm::kEs256, Bytes(size, 1)),
                   Reason::kInvalidArgument);
  }
  EXPECT_EQ(world.certificates(facts).size(), 0u);
}

TEST(SignService, an_algorithm_that_the_key_does_not_have_is_refused) {
  ServiceWorld world;
  const auto facts = world.profile();
  EXPECT_REFUSED(world.service->signing().begin(world.call(), facts, Algorithm::kRs256, world.digest()),
                 Reason::kInvalidArgument);
  EXPECT_REFUSED(world.service->signing().begin(world.call(), facts, Algorithm::kEs256k, world.digest()),
                 Reason::kInvalidArgument);
  const auto rsa = world.profile("rsa", KeyKind::kRsa3072);
  EXPECT_REFUSED(world.service->signing().begin(world.call(), rsa, Algorithm::kEs256, world.digest()),
                 Reason::kInvalidArgument);
}

// Rows: S-6-102
TEST(SignService, a_profile_that_may_not_sign_is_refused_at_once) {
  ServiceWorld world;
  auto facts = world.profile();
  facts.profile_standing = Standing::kDisabled;
  EXPECT_REFUSED(world.service->signing().begin(world.call(), facts, Algorithm::kEs256, world.digest()),
                 Reason::kUnauthorized);
  facts.profile_standing = Standing::kActive;
  facts.validation = ValidationStanding::kNotCompleted;
  EXPECT_REFUSED(world.service->signing().begin(world.call(), facts, Algorithm::kEs256, world.digest()),
                 Reason::kUnauthorized);
}

TEST(SignService, what_was_accepted_is_on_record_before_it_is_signed) {
  auto options = quick_options();
  ServiceWorld world(options);
  const auto facts = world.profile();
  const auto begun = must(world.service->signing().begin(world.call(), facts, Algorithm::kEs256, world.digest()));
  registry::signing::OperationRows rows(registry::rows_of(*world.registry));
  const auto found = must(rows.find(begun.number));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, begun.id);
  EXPECT_EQ(found->digest, world.digest());
  EXPECT_EQ(found->actor, "tester");
}

TEST(SignService, what_a_process_left_open_the_next_one_signs) {
  ServiceWorld world;
  const auto facts = world.profile();
  const auto gone = world.profile("gone");
  world.service.reset();
  registry::signing::OperationRows rows(registry::rows_of(*world.registry));
  auto left = [&](std::uint64_t number, const ProfileFacts& profile) {
    SignService::Operation one;
    one.number = number;
    one.id = operation_id(number);
    one.account = profile.account;
    one.profile = profile.profile;
    one.account_name = profile.account_name;
    one.profile_name = profile.profile_name;
    one.algorithm = "ES256";
    one.digest = world.digest();
    std::vector<registry::signing::OperationEnd> none;
    EXPECT_TRUE(rows.write({&one}, none));
    return one;
  };
  const auto one = left(1, facts);
  const auto other = left(2, gone);
  world.directory.clear();
  world.directory.put(facts);
  world.start();
  EXPECT_EQ(world.sign(facts).number, 3u);  // numbers go on
  auto ended = [&](const SignService::Operation& operation) {
    for (;;) {
      const auto found = must(rows.find(operation.number));
      if (found->status != OperationStatus::kInProgress) return *found;
      std::this_thread::yield();
    }
  };
  EXPECT_EQ(ended(one).status, OperationStatus::kSucceeded);
  EXPECT_EQ(ended(other).status, OperationStatus::kFailed);
}

TEST(SignService, an_operation_is_found_by_its_id_and_its_profile_alone) {
  ServiceWorld world;
  const auto facts = world.profile();
  const auto other = world.profile("other");
  const auto operation = world.sign(facts);
  EXPECT_EQ(must(world.service->signing().find(facts, operation.id)).signature, operation.signature);
  EXPECT_REFUSED(world.service->signing().find(other, operation.id), Reason::kOperationNotFound);
  Uuid guessed = operation.id;
  guessed.bytes[15] ^= 1;
  EXPECT_REFUSED(world.service->signing().find(facts, guessed), Reason::kOperationNotFound);
  EXPECT_REFUSED(world.service->signing().find(facts, random_id()), Reason::kOperationNotFound);
}

TEST(SignService, a_full_queue_refuses_and_others_do_not_suffer) {
  auto options = quick_options();
  options.signing.queue_limit = 3;
  ServiceWorld world(options);
  const auto other = world.profile("other");
  world.sign(other);
  const auto slow = world.profile("slow");
  world.keys.blocked = true;  // nothing is signed
  constexpr int kCallers = 24;
  std::latch together(kCallers);
  std::atomic<int> accepted = 0;
  std::atomic<int> throttled = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      together.arrive_and_wait();
      const auto begun = world.service->signing().begin(world.call(), slow, Algorithm::kEs256, world.digest());
      if (begun) ++accepted;
      if (!begun && begun.error().reason == Reason::kThrottled) ++throttled;
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(accepted, 3);
  EXPECT_EQ(throttled, kCallers - 3);
  EXPECT_EQ(world.sign(other).status, OperationStatus::kSucceeded);
  world.keys.blocked = false;
}

TEST(SignService, a_certificate_that_is_being_made_holds_up_its_own_profile_alone) {
  ServiceWorld world;  // two workers
  const auto quick = world.profile("quick");
  world.sign(quick);
  const auto slow = world.profile("slow");
  world.keys.blocked = true;
  std::vector<Uuid> begun;
  for (int i = 0; i < 4; ++i) {
    begun.push_back(must(world.service->signing().begin(world.call(), slow, Algorithm::kEs256, world.digest())).id);
  }
  EXPECT_EQ(world.sign(quick).status, OperationStatus::kSucceeded);
  for (const Uuid& id : begun) {
    EXPECT_EQ(must(world.service->signing().find(slow, id)).status, OperationStatus::kInProgress);
  }
  world.keys.blocked = false;
  EXPECT_EQ(world.sign(slow).status, OperationStatus::kSucceeded);
  EXPECT_EQ(world.certificates(slow).size(), 1u);
}

TEST(SignService, nobody_is_let_in_where_nothing_may_wait) {
  auto options = quick_options();
  options.signing.queue_limit = 0;
  ServiceWorld world(options);
  EXPECT_REFUSED(world.service->signing().begin(world.call(), world.profile(), Algorithm::kEs256, world.digest()),
                 Reason::kThrottled);
  options.signing.queue_limit = 10;
  options.signing.total_limit = 0;
  ServiceWorld total(options);
  EXPECT_REFUSED(total.service->signing().begin(total.call(), total.profile(), Algorithm::kEs256, total.digest()),
                 Reason::kThrottled);
}

TEST(SignService, many_callers_share_commits_and_each_gets_its_own) {
  auto options = quick_options();
  options.signing.queue_limit = 1000;
  ServiceWorld world(options);
  const ProfileFacts profiles[] = {world.profile("one"), world.profile("two")};
  std::mutex mutex;
  std::set<std::uint64_t> numbers;
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&, i] {
      const auto& facts = profiles[i % 2];
      const std::string words = "file " + std::to_string(i);
      for (int n = 0; n < 5; ++n) {
        const auto done =
            must(world.service->signing().sign(world.call(), facts, Algorithm::kEs256, world.digest(words)));
        EXPECT_EQ(done.status, OperationStatus::kSucceeded) << done.error;
        EXPECT_TRUE(holds(world, done, Algorithm::kEs256, world.digest(words)));
        const std::lock_guard lock(mutex);
        EXPECT_TRUE(numbers.insert(done.number).second);
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(numbers.size(), 80u);
}

// Rows: S-6-105
TEST(SignService, signatures_are_counted_by_account_and_month_and_nothing_stops) {
  ServiceWorld world;
  const auto facts = world.profile();
  const auto other = world.profile("other");
  world.sign(facts);
  world.sign(facts);
  world.sign(other);
  EXPECT_EQ(must(world.service->signing().usage(world.account, world.now)), 3u);
  world.now = kStart + 31 * kDay;  // February
  EXPECT_EQ(must(world.service->signing().usage(world.account, world.now)), 0u);
  world.sign(facts);
  EXPECT_EQ(must(world.service->signing().usage(world.account, world.now)), 1u);
  EXPECT_EQ(must(world.service->signing().usage(world.account, kStart)), 3u);
  EXPECT_EQ(must(world.service->signing().usage(random_id(), kStart)), 0u);
}

TEST(SignService, the_history_tells_the_newest_first_in_pages) {
  ServiceWorld world;
  const auto facts = world.profile();
  const auto other = world.profile("other");
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 3; ++i) numbers.push_back(world.sign(facts).number);
  world.sign(other);
  auto page = must(world.service->signing().history(facts, 0, 2));
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].number, numbers[2]);
  EXPECT_EQ(page[1].number, numbers[1]);
  page = must(world.service->signing().history(facts, page[1].number, 2));
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].number, numbers[0]);
  EXPECT_EQ(page[0].algorithm, "ES256");
}

TEST(SignService, after_closing_nobody_is_let_in) {
  ServiceWorld world;
  const auto facts = world.profile();
  world.service->close();
  EXPECT_REFUSED(world.service->signing().begin(world.call(), facts, Algorithm::kEs256, world.digest()),
                 Reason::kShuttingDown);
  EXPECT_REFUSED(world.service->signing().sign(world.call(), facts, Algorithm::kEs256, world.digest()),
                 Reason::kShuttingDown);
}

TEST(SignService, ids_begin_with_their_number) {
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{255}, (std::uint64_t{1} << 48) - 1}) {
    EXPECT_EQ(number_in(operation_id(number)), number);
    EXPECT_NE(operation_id(number), operation_id(number));
  }
}

}  // namespace
}  // namespace latchkey::hub::signing
