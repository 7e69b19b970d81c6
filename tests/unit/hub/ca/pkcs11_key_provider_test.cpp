// SPDX-License-Identifier: Apache-2.0
// Against SoftHSM. OpenSSL's own verification, in the process and on the command line, judges what the token signed.
#include "hub/ca/pkcs11_key_provider.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <atomic>
#include <thread>

#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/quick_ec_keys.h"
#include "tests/unit/hub/ca/soft_token.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Bytes;
using registry::CaKind;
using registry::KeyProfile;
using registry::Reason;

constexpr UnixMs kHourMs = 60LL * 60 * 1000;
const std::string kRegistry = "0123456789abcdef0123456789abcdef";

class Pkcs11KeyProviderTest : public ::testing::Test {
 protected:
  void SetUp() override { log_in(); }
  void TearDown() override {
    provider_.reset();
    token_.reset();
  }
  // As after a restart of the process: the module is finalized before.
  void log_in() {
    provider_.reset();
    token_.reset();
    auto opened = open_token(*parse_pkcs11_uri(soft_.uri()));
    ASSERT_TRUE(opened) << opened.error().detail;
    token_ = *std::move(opened);
    provider_ = provider();
  }
  std::unique_ptr<Pkcs11KeyProvider> provider(const std::string& purpose = "ca",
                                              const std::string& registry = kRegistry) {
    Pkcs11KeyProvider::Options options{purpose, registry, {}, [this] { return now_; }};
    return std::make_unique<Pkcs11KeyProvider>(token_, std::move(options));
  }
  std::string make(KeyAlgorithm algorithm = KeyAlgorithm::kEcP256) {
    const auto made = provider_->generate(algorithm);
    EXPECT_TRUE(made) << made.error().detail;
    return made ? made->key_ref : std::string();
  }
  static Reason reason(const registry::Outcome<SigningKey>& loaded) {
    return loaded ? Reason::kNone : loaded.error().reason;
  }
  // What opening that URI is refused with.
  static registry::Refusal refusal(const std::string& uri) {
    const auto opened = open_token(*parse_pkcs11_uri(uri));
    EXPECT_FALSE(opened);
    return opened ? registry::Refusal{} : opened.error();
  }

  tests::MemoryFolder folder_;
  SoftToken soft_{folder_.path()};
  UnixMs now_ = kNow;
  TokenHandle token_;
  std::unique_ptr<Pkcs11KeyProvider> provider_;
};

Bytes signed_by(EVP_PKEY* key, ByteView message, int padding = 0) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  Bytes signature(1024);
  std::size_t size = signature.size();
  bool done = EVP_DigestSignInit(context, &options, openssl::digest_for(key), nullptr, key) == 1;
  if (padding != 0) done = done && EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1;
  done = done && EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) == 1;
  signature.resize(done ? size : 0);
  EVP_MD_CTX_free(context);
  return signature;
}

// By a key that OpenSSL read from the public half's encoding, so that nothing of the token's is in it.
bool verifies(EVP_PKEY* key, ByteView message, const Bytes& signature, int padding = 0) {
  const Bytes encoded = openssl::to_der(i2d_PUBKEY, key);
  const std::uint8_t* at = encoded.data();
  const openssl::PkeyPtr half(d2i_PUBKEY(nullptr, &at, static_cast<long>(encoded.size())));
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  bool good = EVP_DigestVerifyInit(context, &options, openssl::digest_for(half.get()), nullptr, half.get()) == 1;
  if (padding != 0) good = good && EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1;
  good = good && EVP_DigestVerify(context, signature.data(), signature.size(), message.data(), message.size()) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

const ByteView kMessage = ByteView(std::string_view("what is signed"));

TEST_F(Pkcs11KeyProviderTest, every_kind_of_key_signs_and_is_found_again_after_a_restart) {
  for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kEcP521,
                               KeyAlgorithm::kEcSecp256k1, KeyAlgorithm::kRsa3072}) {
    Bytes before;
    std::string key_ref;
    {
      const auto made = provider_->generate(algorithm);
      ASSERT_TRUE(made) << to_string(algorithm) << ": " << made.error().detail;
      key_ref = made->key_ref;
      EXPECT_TRUE(key_ref.ends_with(".ca.p11")) << key_ref;
      before = openssl::to_der(i2d_PUBKEY, made->key.get());
      EXPECT_TRUE(verifies(made->key.get(), kMessage, signed_by(made->key.get(), kMessage))) << to_string(algorithm);
    }
    log_in();
    const auto found = provider_->load(key_ref);
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(openssl::to_der(i2d_PUBKEY, found->get()), before);
    const Bytes signature = signed_by(found->get(), kMessage);
    EXPECT_TRUE(verifies(found->get(), kMessage, signature)) << to_string(algorithm);
    EXPECT_FALSE(verifies(found->get(), ByteView(std::string_view("another")), signature));
  }
}

TEST_F(Pkcs11KeyProviderTest, rsa_key_signs_with_both_paddings) {
  const auto made = provider_->generate(KeyAlgorithm::kRsa3072);
  ASSERT_TRUE(made) << made.error().detail;
  for (const int padding : {RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING}) {
    const Bytes signature = signed_by(made->key.get(), kMessage, padding);
    EXPECT_EQ(signature.size(), 384U);
    EXPECT_TRUE(verifies(made->key.get(), kMessage, signature, padding)) << padding;
  }
}

TEST_F(Pkcs11KeyProviderTest, private_half_is_not_let_out) {
  for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kRsa3072}) {
    const auto made = provider_->generate(algorithm);
    ASSERT_TRUE(made);
    EXPECT_TRUE(openssl::to_der(i2d_PrivateKey, made->key.get()).empty());
    openssl::take_error();
    const openssl::BioPtr out(BIO_new(BIO_s_mem()));
    EXPECT_NE(PEM_write_bio_PrivateKey(out.get(), made->key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
    openssl::take_error();
  }
}

// Roots, issuing CAs, leaves by their form and CRLs, as the openssl program sees them; with the engine that reads EC
// keys quickly (platform/openssl/quick_ec_keys.h) and without it.
TEST_F(Pkcs11KeyProviderTest, chain_and_list_of_token_keys_verify) {
  for (const bool quick : {false, true}) {
    openssl::QuickEcKeys engine;
    for (const auto profile : {KeyProfile::kEcP256, KeyProfile::kEcP384}) {
      Authority authority(*provider_, {});
      const auto root = authority.make_root(profile, kNow);
      ASSERT_TRUE(root) << root.error().detail;
      const auto root_row = row_of(*root, CaKind::kRoot, root->id);
      const auto issuing = authority.make_issuing(root_row, profile, kNow);
      ASSERT_TRUE(issuing) << issuing.error().detail;
      const auto row = row_of(*issuing, CaKind::kIssuing, root->id);
      const auto csr = authority.read_csr(base64(make_csr(folder_, "/CN=dev")), "dev");
      ASSERT_TRUE(csr) << csr.error().detail;
      if (quick) {
        ASSERT_TRUE(engine.begin());
      }
      const auto leaf = authority.sign_leaf(row, grant_for(row, "dev"), *csr);
      registry::CrlOrder order;
      order.ca = row;
      order.number = 1;
      const auto list = authority.sign_crl(order, kNow, kNow + kDayMs);
      engine.end();
      ASSERT_TRUE(leaf) << leaf.error().detail;
      ASSERT_TRUE(list) << list.error().detail;
      put_certificate(folder_, "root", root->der);
      put_certificate(folder_, "ica", issuing->der);
      put_certificate(folder_, "leaf", *leaf);
      put(folder_ / "list.der", *list);
      const std::string at = " -attime " + std::to_string(kNow / 1000);
      const Ran chain = run(folder_.path(), "openssl verify -CAfile root.pem -untrusted ica.pem" + at + " leaf.pem");
      EXPECT_TRUE(chain.says("leaf.pem: OK")) << chain.output;
      const Ran revoked = run(folder_.path(), "openssl crl -inform DER -in list.der -CAfile ica.pem -noout");
      EXPECT_TRUE(revoked.says("verify OK")) << revoked.output;
    }
  }
}

TEST_F(Pkcs11KeyProviderTest, threads_sign_with_one_key_at_once) {
  const auto made = provider_->generate(KeyAlgorithm::kEcP256);
  ASSERT_TRUE(made);
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 12; ++i) {  // more than there are sessions
      threads.emplace_back([&] {
        for (int k = 0; k < 10; ++k) good += verifies(made->key.get(), kMessage, signed_by(made->key.get(), kMessage));
      });
    }
  }
  EXPECT_EQ(good, 120);
}

TEST_F(Pkcs11KeyProviderTest, destroyed_key_is_gone_and_signs_no_more_even_for_who_holds_it) {
  const auto made = provider_->generate(KeyAlgorithm::kEcP256);
  ASSERT_TRUE(made);
  EXPECT_TRUE(provider()->destroy(made->key_ref));
  EXPECT_EQ(reason(provider_->load(made->key_ref)), Reason::kNotFound);
  EXPECT_TRUE(signed_by(made->key.get(), kMessage).empty());
  const std::string why = openssl::take_error();
  EXPECT_NE(why.find("no such key any more"), std::string::npos) << why;
  EXPECT_TRUE(provider_->destroy(made->key_ref)) << "again";
}

TEST_F(Pkcs11KeyProviderTest, references_that_are_no_names_of_ours_are_refused) {
  const std::string key_ref = make();
  for (const std::string& other : {std::string(), std::string(".ca.p11"), key_ref.substr(1), "0" + key_ref,
                                   key_ref.substr(0, 32) + ".signing.p11", key_ref.substr(0, 32) + ".pem"}) {
    EXPECT_EQ(reason(provider_->load(other)), Reason::kInvalidArgument) << other;
    EXPECT_FALSE(provider_->destroy(other)) << other;
  }
}

TEST_F(Pkcs11KeyProviderTest, sweep_takes_old_keys_of_this_registry_and_purpose_that_nobody_names) {
  const std::string named = make();
  const std::string orphan = make();
  auto signing = provider("signing");
  auto neighbour = provider("ca", "f" + kRegistry.substr(1));
  const auto theirs = signing->generate(KeyAlgorithm::kEcP256);
  const auto foreign = neighbour->generate(KeyAlgorithm::kEcP256);
  ASSERT_TRUE(theirs && foreign);
  EXPECT_EQ(*provider_->destroy_unnamed({named}), 0U) << "it may be another node's, whose row is on its way";
  now_ += kHourMs + 2000;
  EXPECT_EQ(*provider_->destroy_unnamed({named}), 1U);
  EXPECT_EQ(reason(provider_->load(orphan)), Reason::kNotFound);
  EXPECT_TRUE(provider_->load(named));
  EXPECT_TRUE(signing->load(theirs->key_ref));
  EXPECT_TRUE(neighbour->load(foreign->key_ref));
}

TEST_F(Pkcs11KeyProviderTest, check_names_the_key_that_this_token_has_not) {
  const std::string here = make();
  EXPECT_TRUE(provider_->check({here}));
  EXPECT_TRUE(provider_->check({}));
  const std::string elsewhere = std::string(32, '0') + ".ca.p11";
  const std::string sealed = std::string(32, '0') + ".ca.sealed";
  for (const auto& key_ref : {elsewhere, sealed}) {
    const auto checked = provider_->check({here, key_ref});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().reason, Reason::kPreconditionFailed);
    EXPECT_NE(checked.error().detail.find(key_ref), std::string::npos) << checked.error().detail;
    EXPECT_NE(checked.error().detail.find("token 'latchkey'"), std::string::npos) << checked.error().detail;
  }
}

// As when it was pulled and is back: sessions and login are gone.
TEST_F(Pkcs11KeyProviderTest, token_that_was_away_is_logged_in_to_again) {
  const auto made = provider_->generate(KeyAlgorithm::kEcP256);
  ASSERT_TRUE(made);
  void* const module = ::dlopen(SoftToken::kModule, RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(module, nullptr);
  using GetSlotList = unsigned long (*)(unsigned char, unsigned long*, unsigned long*);
  using CloseAllSessions = unsigned long (*)(unsigned long);
  unsigned long slots[8];
  unsigned long count = 8;
  ASSERT_EQ(reinterpret_cast<GetSlotList>(::dlsym(module, "C_GetSlotList"))(1, slots, &count), 0U);
  for (unsigned long i = 0; i < count; ++i) {
    ASSERT_EQ(reinterpret_cast<CloseAllSessions>(::dlsym(module, "C_CloseAllSessions"))(slots[i]), 0U);
  }
  ::dlclose(module);
  EXPECT_TRUE(verifies(made->key.get(), kMessage, signed_by(made->key.get(), kMessage)));
  EXPECT_TRUE(provider_->load(make()));
}

TEST_F(Pkcs11KeyProviderTest, keys_among_many_sign_each_for_itself) {
  std::vector<GeneratedKey> keys;
  for (int i = 0; i < 12; ++i) keys.push_back(*provider_->generate(KeyAlgorithm::kEcP256));
  EXPECT_TRUE(provider_->destroy(keys[3].key_ref));
  EXPECT_TRUE(provider_->destroy(keys[8].key_ref));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Bytes signature = signed_by(keys[i].key.get(), kMessage);
    EXPECT_EQ(verifies(keys[i].key.get(), kMessage, signature), i != 3 && i != 8) << i;
  }
  openssl::take_error();
}

// --- what is no such token

TEST_F(Pkcs11KeyProviderTest, wrong_pin_is_told_and_never_shown) {
  provider_.reset();
  token_.reset();
  soft_.write_pin("0815-wrong\n");
  const auto refused = refusal(soft_.uri());
  EXPECT_EQ(refused.reason, Reason::kPreconditionFailed);
  EXPECT_NE(refused.detail.find("PIN"), std::string::npos) << refused.detail;
  EXPECT_EQ(refused.detail.find("0815"), std::string::npos) << refused.detail;
}

TEST_F(Pkcs11KeyProviderTest, pin_file_that_others_may_read_is_refused) {
  soft_.write_pin("open-sesame", 0644);
  EXPECT_EQ(refusal(soft_.uri()).reason, Reason::kUnauthorized);
  std::filesystem::remove(soft_.pin());
  EXPECT_EQ(refusal(soft_.uri()).reason, Reason::kNotFound);
}

TEST_F(Pkcs11KeyProviderTest, token_that_is_not_there_or_not_the_only_one_is_refused) {
  EXPECT_EQ(refusal(soft_.uri("another")).reason, Reason::kPreconditionFailed);
  provider_.reset();
  token_.reset();
  soft_.make("latchkey");
  const auto refused = refusal(soft_.uri());
  EXPECT_EQ(refused.reason, Reason::kPreconditionFailed);
  EXPECT_NE(refused.detail.find("several"), std::string::npos) << refused.detail;
}

TEST_F(Pkcs11KeyProviderTest, library_that_is_no_module_is_refused) {
  const std::string pin = "&pin-source=" + soft_.pin().string();
  EXPECT_EQ(refusal("pkcs11:token=a?module-path=/nowhere/module.so" + pin).reason, Reason::kPreconditionFailed);
  put(folder_ / "text.so", std::string_view("not a library"));
  const auto text = (folder_ / "text.so").string();
  EXPECT_EQ(refusal("pkcs11:token=a?module-path=" + text + pin).reason, Reason::kPreconditionFailed);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
