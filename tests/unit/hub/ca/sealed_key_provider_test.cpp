// SPDX-License-Identifier: Apache-2.0
// One suite over both stores: a folder, and the registry's table.
#include "hub/ca/sealed_key_provider.h"

#include <openssl/evp.h>

#include <fstream>
#include <thread>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/sealed_folder.h"
#include "hub/ca/sealed_table.h"
#include "hub/ca/sealing.h"
#include "platform/openssl/digest.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Bytes;
using registry::KeyProfile;
using registry::Outcome;
using registry::Reason;

constexpr UnixMs kHourMs = 60LL * 60 * 1000;

// Fails from a given number of writes on, as a store that goes away, or a process that dies there.
class FailingStore : public SealedKeys {
 public:
  explicit FailingStore(SealedKeys& real) : real_(real) {}
  Outcome<void> put(const std::string& key_ref, const Bytes& sealed, UnixMs now) override {
    return writes_left-- > 0 ? real_.put(key_ref, sealed, now) : gone();
  }
  Outcome<Bytes> get(const std::string& key_ref) override {
    ++reads;
    return real_.get(key_ref);
  }
  Outcome<void> replace(const std::string& key_ref, const Bytes& before, const Bytes& after) override {
    if (before_replace) before_replace(key_ref);
    return writes_left-- > 0 ? real_.replace(key_ref, before, after) : gone();
  }
  Outcome<void> erase(const std::string& key_ref) override { return writes_left-- > 0 ? real_.erase(key_ref) : gone(); }
  Outcome<std::vector<Entry>> list() override { return real_.list(); }

  int writes_left = 1'000'000;
  int reads = 0;
  std::function<void(const std::string&)> before_replace;

 private:
  static Outcome<void> gone() { return registry::refuse(Reason::kStorage, "the store is gone"); }
  SealedKeys& real_;
};

enum class Store { kFolder, kTable };

class SealedKeyProviderTest : public ::testing::TestWithParam<Store> {
 protected:
  void SetUp() override {
    for (const char* name : {"old", "new"}) {
      auto made = NodeKey::make(folder_ / name);
      ASSERT_TRUE(made) << made.error().detail;
      (std::string(name) == "old" ? old_ : new_) = *made;
    }
    if (GetParam() == Store::kFolder) {
      auto opened = SealedFolder::open(folder_ / "sealed");
      ASSERT_TRUE(opened) << opened.error().detail;
      store_ = *std::move(opened);
    } else {
      auto opened = registry::Registry::open({.path = (folder_ / "registry.db").string()}, openssl::host_digest());
      ASSERT_TRUE(opened) << opened.error().detail;
      registry_ = *std::move(opened);
      store_ = std::make_unique<SealedTable>(*registry_);
    }
    failing_ = std::make_unique<FailingStore>(*store_);
    provider_ = provider({old_});
  }
  void TearDown() override {
    provider_.reset();
    store_.reset();
    if (registry_) registry_->close();
  }

  std::unique_ptr<SealedKeyProvider> provider(NodeKeys keys, const std::string& purpose = "ca",
                                              std::chrono::milliseconds remembered = {}) {
    SealedKeyProvider::Options options{purpose, remembered, [this] { return now_; }};
    return std::make_unique<SealedKeyProvider>(*failing_, std::move(keys), std::move(options));
  }
  std::string make() {
    const auto made = provider_->generate(KeyProfile::kEcP256);
    EXPECT_TRUE(made) << made.error().detail;
    return made ? made->key_ref : std::string();
  }
  // Puts other octets where a key lies, as somebody might who has the store.
  void overwrite(const std::string& key_ref, const Bytes& octets) {
    const auto before = store_->get(key_ref);
    ASSERT_TRUE(before);
    ASSERT_TRUE(store_->replace(key_ref, *before, octets));
  }
  static Reason reason(const Outcome<SigningKey>& loaded) { return loaded ? Reason::kNone : loaded.error().reason; }

  tests::MemoryFolder folder_;
  UnixMs now_ =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();  // files are stamped by the real clock
  std::shared_ptr<const NodeKey> old_;
  std::shared_ptr<const NodeKey> new_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<SealedKeys> store_;
  std::unique_ptr<FailingStore> failing_;
  std::unique_ptr<SealedKeyProvider> provider_;
};

TEST_P(SealedKeyProviderTest, another_node_with_the_same_node_key_loads_what_this_one_made) {
  for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kEcP521,
                               KeyAlgorithm::kEcSecp256k1, KeyAlgorithm::kRsa3072}) {
    const auto made = provider_->generate(algorithm);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(made->key_ref.ends_with(".ca.sealed")) << made->key_ref;
    const auto found = provider({old_})->load(made->key_ref);
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(EVP_PKEY_eq(found->get(), made->key.get()), 1) << to_string(algorithm);
  }
}

TEST_P(SealedKeyProviderTest, nothing_of_a_key_lies_in_the_store_in_the_clear) {
  const std::string key_ref = make();
  const auto sealed = store_->get(key_ref);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(ByteView(*sealed).text().find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(sealed_under(*sealed), old_->id());
}

TEST_P(SealedKeyProviderTest, wrong_node_key_opens_nothing_and_is_told) {
  const std::string key_ref = make();
  const auto loaded = provider({new_})->load(key_ref);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, Reason::kPreconditionFailed);
  EXPECT_NE(loaded.error().detail.find("sealed under node key " + to_text(old_->id()) + ", this node has " +
                                       to_text(new_->id())),
            std::string::npos)
      << loaded.error().detail;
}

TEST_P(SealedKeyProviderTest, keys_that_were_swapped_or_renamed_are_refused) {
  const std::string one = make();
  const std::string other = make();
  const auto first = store_->get(one);
  const auto second = store_->get(other);
  overwrite(one, *second);
  overwrite(other, *first);
  EXPECT_EQ(reason(provider_->load(one)), Reason::kStorage);
  EXPECT_EQ(reason(provider_->load(other)), Reason::kStorage);
  overwrite(one, *first);
  EXPECT_EQ(reason(provider_->load(one)), Reason::kNone);
}

TEST_P(SealedKeyProviderTest, key_of_another_purpose_is_none_of_ours_under_any_name) {
  const std::string ours = make();
  auto signing = provider({old_}, "signing");
  const auto theirs = signing->generate(KeyAlgorithm::kEcP256);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(reason(provider_->load(theirs->key_ref)), Reason::kInvalidArgument);
  EXPECT_FALSE(provider_->destroy(theirs->key_ref));
  const std::string renamed = theirs->key_ref.substr(0, 32) + ".ca.sealed";
  ASSERT_TRUE(store_->put(renamed, *store_->get(theirs->key_ref), now_));
  EXPECT_EQ(reason(provider_->load(renamed)), Reason::kStorage);
  EXPECT_EQ(reason(signing->load(theirs->key_ref)), Reason::kNone);
}

TEST_P(SealedKeyProviderTest, references_that_are_no_names_of_ours_are_refused) {
  const std::string key_ref = make();
  for (const std::string& other :
       {std::string(), std::string(".ca.sealed"), "../" + key_ref, key_ref + "/../" + key_ref, key_ref.substr(1),
        "0" + key_ref, key_ref.substr(0, 32) + ".pem", key_ref.substr(0, 32) + ".sealed", "/" + key_ref.substr(1),
        "A" + key_ref.substr(1)}) {
    EXPECT_EQ(reason(provider_->load(other)), Reason::kInvalidArgument) << other;
    EXPECT_FALSE(provider_->destroy(other)) << other;
  }
}

TEST_P(SealedKeyProviderTest, destroyed_key_is_gone_for_every_node_and_again_is_success) {
  const std::string key_ref = make();
  auto other = provider({old_});
  ASSERT_TRUE(other->load(key_ref));
  EXPECT_TRUE(provider_->destroy(key_ref));
  EXPECT_EQ(reason(provider_->load(key_ref)), Reason::kNotFound);
  EXPECT_EQ(reason(other->load(key_ref)), Reason::kNotFound) << "it keeps none in memory here";
  EXPECT_TRUE(provider_->destroy(key_ref));
}

TEST_P(SealedKeyProviderTest, key_is_unsealed_once_while_it_is_remembered) {
  const std::string key_ref = make();
  auto remembering = provider({old_}, "ca", std::chrono::hours(1));
  ASSERT_TRUE(remembering->load(key_ref));
  const int reads = failing_->reads;
  ASSERT_TRUE(remembering->load(key_ref));
  EXPECT_EQ(failing_->reads, reads);
  EXPECT_TRUE(remembering->destroy(key_ref));
  EXPECT_EQ(reason(remembering->load(key_ref)), Reason::kNotFound) << "its own destroy forgets at once";
}

TEST_P(SealedKeyProviderTest, generation_that_cannot_be_stored_is_refused) {
  failing_->writes_left = 0;
  const auto made = provider_->generate(KeyProfile::kEcP256);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, Reason::kStorage);
  EXPECT_TRUE(store_->list()->empty());
}

// --- what nobody names

TEST_P(SealedKeyProviderTest, key_that_another_node_has_just_made_is_not_swept) {
  const std::string named = make();
  const std::string on_its_way = provider({old_})->generate(KeyProfile::kEcP256)->key_ref;
  EXPECT_EQ(*provider_->destroy_unnamed({named}), 0U);
  EXPECT_TRUE(provider_->load(on_its_way));

  now_ += kHourMs + 60'000;
  EXPECT_EQ(*provider_->destroy_unnamed({named}), 1U);
  EXPECT_EQ(reason(provider_->load(on_its_way)), Reason::kNotFound);
  EXPECT_TRUE(provider_->load(named));
}

TEST_P(SealedKeyProviderTest, sweep_leaves_keys_of_other_purposes_alone) {
  const auto theirs = provider({old_}, "signing")->generate(KeyAlgorithm::kEcP256);
  ASSERT_TRUE(theirs);
  now_ += 2 * kHourMs;
  EXPECT_EQ(*provider_->destroy_unnamed({}), 0U);
  EXPECT_TRUE(provider({old_}, "signing")->load(theirs->key_ref));
}

// --- before anything is served

TEST_P(SealedKeyProviderTest, check_passes_where_every_named_key_opens) {
  EXPECT_TRUE(provider_->check({}));
  const std::set<std::string> named{make(), make()};
  EXPECT_TRUE(provider_->check(named));
  EXPECT_TRUE(provider({new_, old_})->check(named));
}

TEST_P(SealedKeyProviderTest, check_names_the_key_and_says_what_to_do) {
  const std::string key_ref = make();
  const auto wrong_key = provider({new_})->check({key_ref});
  const std::string missing_ref = std::string(32, '0') + ".ca.sealed";
  const auto missing = provider_->check({key_ref, missing_ref});
  const std::string file_ref = std::string(32, '0') + ".pem";
  const auto wrong_provider = provider_->check({file_ref});
  overwrite(key_ref, Bytes(100, 1));
  const auto damaged = provider_->check({key_ref});
  const std::pair<const Outcome<void>&, std::string> cases[] = {
      {wrong_key, key_ref}, {missing, missing_ref}, {wrong_provider, file_ref}, {damaged, key_ref}};
  for (const auto& [checked, named] : cases) {
    ASSERT_FALSE(checked) << named;
    EXPECT_EQ(checked.error().reason, Reason::kPreconditionFailed);
    EXPECT_NE(checked.error().detail.find(named), std::string::npos) << checked.error().detail;
    EXPECT_NE(checked.error().detail.find("start it with the --keys"), std::string::npos) << checked.error().detail;
  }
  EXPECT_NE(wrong_key.error().detail.find(to_text(old_->id())), std::string::npos) << wrong_key.error().detail;
  EXPECT_NE(wrong_provider.error().detail.find("--keys files"), std::string::npos) << wrong_provider.error().detail;
}

TEST_P(SealedKeyProviderTest, folder_of_files_refuses_what_was_sealed) {
  const std::string key_ref = make();
  auto files = FileKeyProvider::open(folder_ / "keys");
  ASSERT_TRUE(files);
  const auto checked = (*files)->check({key_ref});
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().detail.find("made with --keys sealed"), std::string::npos) << checked.error().detail;
  const auto file = (*files)->generate(KeyProfile::kEcP256);
  EXPECT_TRUE((*files)->check({file->key_ref}));
  std::filesystem::remove(folder_ / "keys" / file->key_ref);
  EXPECT_FALSE((*files)->check({file->key_ref}));
}

// --- another node key

TEST_P(SealedKeyProviderTest, node_that_knows_both_reads_both_and_seals_under_the_first) {
  const std::string before = make();
  auto both = provider({new_, old_});
  const auto after = both->generate(KeyProfile::kEcP256);
  ASSERT_TRUE(after);
  EXPECT_TRUE(both->load(before));
  EXPECT_TRUE(provider({new_})->load(after->key_ref));
  EXPECT_EQ(reason(provider_->load(after->key_ref)), Reason::kPreconditionFailed);
}

TEST_P(SealedKeyProviderTest, resealed_keys_are_the_same_keys_and_need_the_old_node_key_no_more) {
  const auto made = provider_->generate(KeyProfile::kEcP384);
  make();
  auto both = provider({new_, old_});
  const auto done = both->reseal();
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->anew, 2U);
  EXPECT_EQ(done->already, 0U);
  const auto loaded = provider({new_})->load(made->key_ref);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(EVP_PKEY_eq(loaded->get(), made->key.get()), 1);
  EXPECT_EQ(reason(provider_->load(made->key_ref)), Reason::kPreconditionFailed) << "the old one opens it no more";
  const auto again = both->reseal();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->anew, 0U);
  EXPECT_EQ(again->already, 2U);
}

// Cut after write 0, 1, 2, ... until it goes through: at every point all keys open for a node that knows both, and
// doing it again finishes.
TEST_P(SealedKeyProviderTest, rotation_that_is_cut_off_anywhere_leaves_every_key_readable) {
  std::set<std::string> named;
  for (int i = 0; i < 4; ++i) named.insert(make());
  bool whole = false;
  for (int writes = 0; !whole; ++writes) {
    ASSERT_LE(writes, 4);
    auto back = provider({old_, new_});  // as it was before
    ASSERT_TRUE(back->reseal());
    failing_->writes_left = writes;
    whole = provider({new_, old_})->reseal().has_value();
    EXPECT_EQ(whole, writes == 4);
    failing_->writes_left = 1'000'000;
    EXPECT_TRUE(provider({new_, old_})->check(named)) << "cut after " << writes;
    const auto rest = provider({new_, old_})->reseal();
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->anew, 4U - static_cast<std::size_t>(writes));
    EXPECT_TRUE(provider({new_})->check(named));
  }
}

TEST_P(SealedKeyProviderTest, key_that_is_destroyed_while_it_is_resealed_stays_destroyed) {
  const std::string going = make();
  const std::string staying = make();
  failing_->before_replace = [&](const std::string& key_ref) {
    if (key_ref == going) {
      EXPECT_TRUE(store_->erase(going));
    }
  };
  const auto done = provider({new_, old_})->reseal();
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->anew, 1U);
  EXPECT_EQ(reason(provider({new_})->load(going)), Reason::kNotFound);
  EXPECT_TRUE(provider({new_})->load(staying));
}

TEST_P(SealedKeyProviderTest, two_nodes_may_rotate_at_once) {
  std::set<std::string> named;
  for (int i = 0; i < 8; ++i) named.insert(make());
  std::atomic<std::size_t> anew = 0;
  {
    std::vector<std::jthread> nodes;
    for (int i = 0; i < 2; ++i) {
      nodes.emplace_back([&] {
        SealedKeyProvider node(*store_, {new_, old_}, {"ca", {}, [this] { return now_; }});
        const auto done = node.reseal();
        EXPECT_TRUE(done) << done.error().detail;
        if (done) anew += done->anew;
      });
    }
  }
  EXPECT_EQ(anew, 8U) << "each once";
  EXPECT_TRUE(provider({new_})->check(named));
}

TEST_P(SealedKeyProviderTest, rotation_stops_at_what_it_cannot_open_and_changes_nothing_of_it) {
  const std::string key_ref = make();
  const auto before = store_->get(key_ref);
  EXPECT_FALSE(provider({new_})->reseal());
  EXPECT_EQ(*store_->get(key_ref), *before);
}

// --- several nodes

TEST_P(SealedKeyProviderTest, nodes_that_generate_at_once_lose_nothing_and_share_all) {
  constexpr int kEach = 8;
  std::mutex mutex;
  std::map<std::string, SigningKey> made;
  {
    std::vector<std::jthread> nodes;
    for (int i = 0; i < 2; ++i) {
      nodes.emplace_back([&] {
        SealedKeyProvider node(*store_, {old_}, {"ca", {}, [this] { return now_; }});
        for (int k = 0; k < kEach; ++k) {
          auto key = node.generate(KeyAlgorithm::kEcP256);
          ASSERT_TRUE(key) << key.error().detail;
          const std::scoped_lock lock(mutex);
          made[key->key_ref] = key->key;
        }
      });
    }
  }
  ASSERT_EQ(made.size(), 2U * kEach);
  for (const auto& [key_ref, key] : made) {
    const auto loaded = provider_->load(key_ref);
    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_EQ(EVP_PKEY_eq(loaded->get(), key.get()), 1);
  }
}

TEST_P(SealedKeyProviderTest, store_keeps_to_its_contract) {
  const Bytes one{1, 2, 3};
  const Bytes other{4, 5};
  EXPECT_TRUE(store_->put("b.sealed", one, now_));
  EXPECT_EQ(store_->put("b.sealed", other, now_).error().reason, Reason::kAlreadyExists);
  EXPECT_EQ(*store_->get("b.sealed"), one);
  EXPECT_EQ(store_->replace("b.sealed", other, one).error().reason, Reason::kPreconditionFailed);
  EXPECT_TRUE(store_->replace("b.sealed", one, other));
  EXPECT_EQ(*store_->get("b.sealed"), other);
  EXPECT_EQ(store_->replace("a.sealed", one, other).error().reason, Reason::kNotFound);
  EXPECT_EQ(store_->get("a.sealed").error().reason, Reason::kNotFound);
  EXPECT_TRUE(store_->put("a.sealed", one, now_));
  const auto all = store_->list();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].key_ref, "a.sealed");
  EXPECT_GT((*all)[0].made, now_ - kHourMs);
  EXPECT_LT((*all)[0].made, now_ + kHourMs);
  EXPECT_TRUE(store_->erase("a.sealed"));
  EXPECT_TRUE(store_->erase("a.sealed"));
  EXPECT_EQ(store_->list()->size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Stores, SealedKeyProviderTest, ::testing::Values(Store::kFolder, Store::kTable),
                         [](const auto& store) { return store.param == Store::kFolder ? "folder" : "table"; });

TEST(SealedFolderTest, folder_that_others_may_enter_is_refused) {
  tests::MemoryFolder folder;
  std::filesystem::create_directory(folder / "sealed");
  std::filesystem::permissions(folder / "sealed", std::filesystem::perms(0750));
  const auto opened = SealedFolder::open(folder / "sealed");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kUnauthorized);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
