// SPDX-License-Identifier: Apache-2.0
// Attestation among thousands of groups: what is read, and what is tried.
#include "hub/provisioning/internal/groups.h"

#include <algorithm>
#include <thread>

#include "hub/provisioning/internal/attestation.h"
#include "platform/openssl/certificate_builder.h"
#include "tests/unit/hub/provisioning/provisioning_fixture.h"

namespace latchkey::hub::provisioning {
namespace {

using registry::AttestationKind;
using registry::Enrollment;
using registry::EnrollmentGroups;

constexpr std::size_t kMany = 2000;
constexpr std::size_t kPlants = 300;  // each is a signature to make

Enrollment group(std::size_t number, AttestationKind kind, registry::Bytes primary) {
  Enrollment made;
  made.uuid.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  made.uuid.bytes[1] = static_cast<std::uint8_t>(number);
  made.group = true;
  made.id = "line-" + std::to_string(number);
  made.attestation = kind;
  made.primary = std::move(primary);
  return made;
}

registry::Bytes key_of(std::size_t number) { return test::bytes("the key of group " + std::to_string(number)); }

// The registry's groups: counts how often it is asked, and how often it has to read them all.
struct Source {
  std::mutex mutex;
  EnrollmentGroups now;
  std::size_t asked = 0;
  std::size_t read = 0;
  std::optional<Reason> fails_with;

  Groups::Read reader() {
    return [this](std::optional<std::uint64_t> known) -> registry::Outcome<std::optional<EnrollmentGroups>> {
      const std::lock_guard lock(mutex);
      ++asked;
      if (fails_with) return registry::refuse(*fails_with, "told to fail");
      if (known == now.generation) return std::optional<EnrollmentGroups>();
      ++read;
      return std::optional(now);
    };
  }
  void change(const std::function<void(std::vector<Enrollment>&)>& how) {
    const std::lock_guard lock(mutex);
    how(now.groups);
    ++now.generation;
  }
};

// Verifies names only, and counts how often it is asked.
class CountingVerifier : public CertificateVerifier {
 public:
  registry::Outcome<VerifiedLeaf> verify(const std::vector<registry::Bytes>&,
                                         const std::vector<registry::Bytes>& anchors, UnixMs) override {
    ++asked;
    if (std::find(anchors.begin(), anchors.end(), good_anchor) != anchors.end()) return VerifiedLeaf{"dev-1"};
    return registry::refuse(Reason::kIssuerNotTrusted, "no chain");
  }
  registry::Bytes good_anchor;
  std::size_t asked = 0;
};

class GroupsTest : public ProvisioningTest {
 protected:
  GroupsTest() : attestation(*registry, source.reader(), counting, kScope) {}

  void make_key_groups(std::size_t count) {
    source.change([count](auto& groups) {
      for (std::size_t i = 0; i < count; ++i) {
        groups.push_back(group(i, AttestationKind::kSymmetricKey, key_of(i)));
      }
    });
  }
  registry::Outcome<Enrollment> attest_token(const std::string& id, const registry::Bytes& device_key) {
    auto opened = shown(id);
    opened.password = device_token(device_key, id);
    return attestation.attest(opened, "", kNow);
  }
  registry::Outcome<Enrollment> attest_chain(const std::vector<registry::Bytes>& chain) {
    auto opened = shown("dev-1");
    opened.chain = chain;
    return attestation.attest(opened, "", kNow);
  }

  Source source;
  CountingVerifier counting;
  Attestation attestation;
};

// --- reading

TEST_F(GroupsTest, two_thousand_groups_are_read_once_for_many_registrations) {
  make_key_groups(kMany);
  for (std::size_t i = 0; i < 10; ++i) {
    const std::string id = "dev-" + std::to_string(i);
    const std::size_t number = i * (kMany / 10);
    const auto proven = attest_token(id, test::hmac(key_of(number), id));
    ASSERT_TRUE(proven) << proven.error().detail;
    EXPECT_EQ(proven->id, "line-" + std::to_string(number));
  }
  EXPECT_EQ(source.asked, 10u);
  EXPECT_EQ(source.read, 1u);
}

TEST_F(GroupsTest, wrong_proofs_do_not_make_it_read_again) {
  make_key_groups(50);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(attest_token("dev-1", kOtherKey));
  EXPECT_EQ(source.read, 1u);
}

TEST_F(GroupsTest, change_counts_for_the_next_registration) {
  make_key_groups(3);
  const auto proof = test::hmac(key_of(1), "dev-1");
  EXPECT_TRUE(attest_token("dev-1", proof)->enabled);
  source.change([](auto& groups) { groups[1].enabled = false; });
  EXPECT_FALSE(attest_token("dev-1", proof)->enabled);
  source.change([](auto& groups) { groups.erase(groups.begin() + 1); });
  EXPECT_EQ(attest_token("dev-1", proof).error().reason, Reason::kTokenInvalid);
  EXPECT_EQ(source.read, 3u);
}

TEST_F(GroupsTest, registry_that_cannot_say_proves_nobody) {
  make_key_groups(3);
  const auto proof = test::hmac(key_of(1), "dev-1");
  EXPECT_TRUE(attest_token("dev-1", proof));
  source.fails_with = Reason::kStorage;
  EXPECT_EQ(attest_token("dev-1", proof).error().reason, Reason::kStorage);
}

TEST_F(GroupsTest, list_in_use_outlives_the_next_one) {
  make_key_groups(3);
  Groups groups(source.reader());
  const auto before = *groups.current();
  source.change([](auto& all) { all.clear(); });
  const auto after = *groups.current();
  EXPECT_EQ(before->with_symmetric_keys().size(), 3u);
  EXPECT_EQ(before->with_symmetric_keys()[2]->primary, key_of(2));
  EXPECT_TRUE(after->with_symmetric_keys().empty());
}

TEST_F(GroupsTest, many_threads_see_every_change) {
  make_key_groups(3);
  Groups groups(source.reader());
  std::vector<std::thread> threads;
  std::atomic<int> stale{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        if (t == 0) source.change([](auto& all) { all.push_back(all.front()); });
        std::uint64_t committed = 0;
        {
          const std::lock_guard lock(source.mutex);
          committed = source.now.generation;
        }
        const auto list = groups.current();
        if (!list || (*list)->generation() < committed) ++stale;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(stale, 0);
  EXPECT_EQ((*groups.current())->with_symmetric_keys().size(), 53u);
}

// --- the same work for every refusal

TEST_F(GroupsTest, refusal_for_an_enrolled_id_tries_the_groups_as_one_for_an_unknown_id_does) {
  make_key_groups(3);
  registry.enroll("dev-1", kKey);
  EXPECT_EQ(attest_token("dev-1", kOtherKey).error().reason, Reason::kTokenInvalid);
  EXPECT_EQ(source.asked, 1u);
  EXPECT_EQ(attest_token("dev-9", kOtherKey).error().reason, Reason::kTokenInvalid);
  EXPECT_EQ(source.asked, 2u);
}

TEST_F(GroupsTest, good_proof_of_a_group_does_not_count_where_an_individual_enrollment_speaks) {
  make_key_groups(3);
  registry.enroll("dev-1", kKey);
  EXPECT_EQ(attest_token("dev-1", test::hmac(key_of(1), "dev-1")).error().reason, Reason::kTokenInvalid);
}

TEST_F(GroupsTest, fault_while_it_tries_groups_in_vain_is_not_told) {
  registry.enroll("dev-1", kKey);
  source.fails_with = Reason::kStorage;
  EXPECT_EQ(attest_token("dev-1", kOtherKey).error().reason, Reason::kTokenInvalid);
}

// --- certificates

struct Ca {
  openssl::X509Ptr certificate;
  openssl::PkeyPtr key;
  registry::Bytes der() const { return openssl::to_der(i2d_X509, certificate.get()); }
};

const registry::Bytes kSerial{0x42};

Ca make_ca(const std::string& name, openssl::PkeyPtr key = openssl::make_ec_key("P-256")) {
  openssl::CertificateBuilder builder;
  builder.serial(kSerial).subject(name).issuer_is_subject().validity(kNow - 1000, kNow + 1'000'000);
  builder.public_key(key.get()).authority(-1);
  Ca made{builder.sign(key.get()), std::move(key)};
  EXPECT_TRUE(made.certificate);
  return made;
}

registry::Bytes issue(const Ca& issuer, const std::string& name) {
  const auto key = openssl::make_ec_key("P-256");
  openssl::CertificateBuilder builder;
  builder.serial(kSerial).subject(name).issuer(issuer.certificate.get()).validity(kNow - 1000, kNow + 1000);
  const auto leaf = builder.public_key(key.get()).sign(issuer.key.get());
  EXPECT_TRUE(leaf);
  return openssl::to_der(i2d_X509, leaf.get());
}

TEST_F(GroupsTest, certificate_is_verified_against_the_groups_of_its_issuers_name_alone) {
  const Ca wanted = make_ca("the wanted plant");
  std::vector<registry::Bytes> others;
  Ca other = make_ca("plant");
  for (std::size_t i = 1; i < kPlants; ++i) {
    other = make_ca("plant " + std::to_string(i), std::move(other.key));
    others.push_back(other.der());
  }
  source.change([&](auto& groups) {
    for (std::size_t i = 0; i < others.size(); ++i) groups.push_back(group(i, AttestationKind::kX509, others[i]));
    groups.push_back(group(kPlants, AttestationKind::kX509, wanted.der()));
  });
  counting.good_anchor = wanted.der();
  const std::vector<registry::Bytes> chain{issue(wanted, "dev-1")};
  for (int i = 0; i < 3; ++i) {
    const auto proven = attest_chain(chain);
    ASSERT_TRUE(proven) << proven.error().detail;
    EXPECT_EQ(proven->id, "line-300");
  }
  EXPECT_EQ(counting.asked, 3u);
  EXPECT_EQ(source.read, 1u);
}

TEST_F(GroupsTest, candidates_are_found_by_any_certificate_of_the_chain_and_by_either_of_the_groups) {
  const Ca root = make_ca("root");
  const Ca line = make_ca("line");
  const Ca stranger = make_ca("stranger");
  Enrollment both = group(2, AttestationKind::kX509, stranger.der());
  both.secondary = root.der();
  source.change([&](auto& groups) {
    groups.push_back(group(0, AttestationKind::kX509, stranger.der()));
    groups.push_back(group(1, AttestationKind::kX509, line.der()));
    groups.push_back(both);
    groups.push_back(group(3, AttestationKind::kSymmetricKey, line.der()));
  });
  const auto ids = [this](const std::vector<registry::Bytes>& chain) {
    Groups groups(source.reader());
    const auto list = *groups.current();
    std::vector<std::string> found;
    for (const auto* candidate : list->that_may_vouch_for(chain)) found.push_back(candidate->id);
    return found;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids({issue(line, "dev-1")}), Ids{"line-1"});
  EXPECT_EQ(ids({issue(line, "dev-1"), issue(root, "line")}), (Ids{"line-1", "line-2"}));
  EXPECT_EQ(ids({line.der()}), Ids{"line-1"}) << "shown as the leaf itself";
  EXPECT_EQ(ids({issue(stranger, "dev-1")}), (Ids{"line-0", "line-2"}));
  EXPECT_EQ(ids({issue(make_ca("nobody"), "dev-1")}), Ids{});
  EXPECT_EQ(ids({test::bytes("no certificate")}), Ids{});
  EXPECT_EQ(ids({}), Ids{});
}

// RFC 5280 section 7.1: the case of letters and runs of blanks do not make another name.
TEST_F(GroupsTest, names_that_compare_equal_find_each_other) {
  const Ca enrolled = make_ca("The  Plant");
  Ca as_written = make_ca("the plant");
  source.change([&](auto& groups) { groups.push_back(group(0, AttestationKind::kX509, enrolled.der())); });
  Groups groups(source.reader());
  EXPECT_EQ((*groups.current())->that_may_vouch_for({issue(as_written, "dev-1")}).size(), 1u);
}

TEST_F(GroupsTest, group_whose_certificate_cannot_be_read_is_left_to_the_verifier) {
  source.change([](auto& groups) { groups.push_back(group(0, AttestationKind::kX509, test::bytes("damaged"))); });
  EXPECT_EQ(attest_chain({issue(make_ca("plant"), "dev-1")}).error().reason, Reason::kCertificateNotEnrolled);
  EXPECT_EQ(counting.asked, 1u);
}

}  // namespace
}  // namespace latchkey::hub::provisioning
