// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/authorities.h"

#include "hub/signing/certificates/revocation_list.h"
#include "hub/signing/timestamp/token.h"
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
  ASSERT_TRUE(world.keys.keep(make_key(KeyKind::kEcP256)));
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
  const auto token = token_of_response(world.service->authorities().timestamper().answer(*request));
  ASSERT_TRUE(token) << token.error().detail;
  TimestampTrust trust;
  trust.roots = {world.service->authorities().root(TrustKind::kTimestamp).certificate.get()};
  trust.unknown = UnknownRevocation::kAccept;
  const auto stamp = check_timestamp(*token, ByteView(std::string_view("stamped")), trust, world.now + kHour);
  ASSERT_TRUE(stamp) << stamp.error().detail;
  EXPECT_EQ(stamp->at, world.now.load());
}

}  // namespace
}  // namespace latchkey::hub::signing
