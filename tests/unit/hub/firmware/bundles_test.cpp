// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/bundles.h"

#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "tests/unit/hub/firmware/world.h"

namespace latchkey::hub::firmware {
namespace {

class BundlesTest : public FirmwareTest {
 protected:
  const Bytes image = Bytes(10'000, 0x42);
  const Bytes bundle = make_bundle(signer, image);
  const Bytes id = signing::digest_of(signing::Hash::kSha256, bundle);
  std::filesystem::path file() const { return folder.path() / "firmware" / (hex(id) + ".bundle"); }
};

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

TEST_F(BundlesTest, facts_are_those_of_the_manifest) {
  const auto facts = must(facts_of(bundle));
  EXPECT_EQ(facts.id, id);
  EXPECT_EQ(facts.size, bundle.size());
  EXPECT_EQ(facts.board, "pump");
  EXPECT_EQ(facts.version, "1.2.0");
  EXPECT_EQ(facts.image, signing::digest_of(signing::Hash::kSha256, image));
}

TEST_F(BundlesTest, what_is_no_bundle_or_not_whole_is_refused) {
  EXPECT_REFUSED(facts_of(ByteView()), Reason::kInvalidArgument);
  EXPECT_REFUSED(facts_of(ByteView(std::string_view("firmware"))), Reason::kInvalidArgument);
  EXPECT_REFUSED(facts_of(ByteView(bundle.data(), bundle.size() - 1)), Reason::kInvalidArgument);
  Bytes longer = bundle;
  longer.push_back(0);
  EXPECT_REFUSED(facts_of(longer), Reason::kInvalidArgument);
}

TEST_F(BundlesTest, another_image_and_another_signature_are_refused) {
  Bytes other_image = bundle;
  other_image.back() ^= 1;
  EXPECT_REFUSED(facts_of(other_image), Reason::kInvalidArgument);
  const auto read = agent::read_bundle(bundle);
  ASSERT_TRUE(read);
  Bytes other_signature = bundle;
  other_signature[static_cast<std::size_t>(read->envelope.signature.data() - bundle.data()) + 40] ^= 1;
  EXPECT_REFUSED(facts_of(other_signature), Reason::kInvalidArgument);
}

TEST_F(BundlesTest, file_is_its_owners_alone_and_is_read_in_pieces) {
  ASSERT_TRUE(bundles.keep(id, bundle));
  EXPECT_EQ(mode_of(file()), 0600u);
  EXPECT_EQ(mode_of(folder.path() / "firmware"), 0700u);
  Bytes whole;
  while (whole.size() < bundle.size()) {
    const auto piece = must(bundles.read(id, whole.size(), 4096));
    ASSERT_FALSE(piece.empty());
    EXPECT_TRUE(piece.size() == 4096 || whole.size() + piece.size() == bundle.size());
    whole.insert(whole.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(whole, bundle);
  EXPECT_EQ(must(bundles.read(id, 5, 1)), Bytes(bundle.begin() + 5, bundle.begin() + 6));
}

TEST_F(BundlesTest, reading_beyond_the_end_or_of_another_bundle_is_refused) {
  ASSERT_TRUE(bundles.keep(id, bundle));
  EXPECT_REFUSED(bundles.read(id, bundle.size(), 1), Reason::kInvalidArgument);
  EXPECT_REFUSED(bundles.read(id, ~std::uint64_t{0}, 1), Reason::kInvalidArgument);
  EXPECT_REFUSED(bundles.read(Bytes(32, 1), 0, 1), Reason::kNotFound);
}

TEST_F(BundlesTest, those_that_nobody_wants_go_and_other_files_stay) {
  ASSERT_TRUE(bundles.keep(id, bundle));
  ASSERT_TRUE(bundles.keep(Bytes(32, 1), bundle));
  must(statements.public_key(call()));
  ASSERT_TRUE(bundles.remove_others({id}));
  EXPECT_TRUE(bundles.read(id, 0, 1));
  EXPECT_REFUSED(bundles.read(Bytes(32, 1), 0, 1), Reason::kNotFound);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "firmware" / "statement.key"));
}

// Another node, on the same registry.
class SharedBundlesTest : public BundlesTest {
 protected:
  Bundles node() { return std::move(*Bundles::open(folder.path() / "there", &shared)); }
  std::filesystem::path copy() const { return folder.path() / "there" / (hex(id) + ".bundle"); }
  void publish_shared(const Bytes& content) {
    const auto facts = must(facts_of(bundle));
    registry::firmware::NewCampaign wanted{facts.id,    facts.size, facts.board, facts.version,
                                           facts.image, "",         {"dev-1"},   100};
    wanted.content = content;
    must(rows.publish(call(), "default", wanted));
  }
  registry::firmware::BundleRows shared{rows_of(*registry)};
};

TEST_F(SharedBundlesTest, what_another_node_published_is_fetched_when_it_is_asked_for_and_kept) {
  publish_shared(bundle);
  const auto there = node();
  EXPECT_FALSE(there.has(id));
  EXPECT_EQ(must(there.read(id, 5, 100)), Bytes(bundle.begin() + 5, bundle.begin() + 105));
  EXPECT_TRUE(there.has(id));
  EXPECT_EQ(mode_of(copy()), 0600u);
  EXPECT_EQ(must(there.read(id, 0, Bundles::kSizeMax)), bundle);
  must(rows.withdraw(call(), "default", id));
  EXPECT_TRUE(there.read(id, 0, 1)) << "its copy stays until it is removed";
  ASSERT_TRUE(there.remove_others({}));
  EXPECT_REFUSED(there.read(id, 0, 1), Reason::kNotFound);
}

TEST_F(SharedBundlesTest, what_nobody_published_is_not_found) {
  EXPECT_REFUSED(node().read(id, 0, 1), Reason::kNotFound);
  EXPECT_REFUSED(node().fetch(id), Reason::kNotFound);
  EXPECT_REFUSED(bundles.fetch(id), Reason::kNotFound);
}

TEST_F(SharedBundlesTest, what_is_not_what_its_name_says_is_neither_kept_nor_given_out) {
  Bytes damaged = bundle;
  damaged[damaged.size() / 2] ^= 1;
  publish_shared(damaged);
  const auto there = node();
  EXPECT_REFUSED(there.read(id, 0, 1), Reason::kStorage);
  EXPECT_FALSE(there.has(id));
}

TEST_F(SharedBundlesTest, many_who_ask_at_once_are_all_answered) {
  publish_shared(bundle);
  const auto there = node();
  std::vector<std::thread> threads;
  std::atomic<int> whole = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto read = there.read(id, 0, Bundles::kSizeMax);
      if (read && *read == bundle) ++whole;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(whole, 8);
}

TEST_F(BundlesTest, folder_that_is_open_to_others_is_refused) {
  ::chmod((folder.path() / "firmware").c_str(), 0755);
  EXPECT_REFUSED(Bundles::open(folder.path() / "firmware"), Reason::kUnauthorized);
}

}  // namespace
}  // namespace latchkey::hub::firmware
