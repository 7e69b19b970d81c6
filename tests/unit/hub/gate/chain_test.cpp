// SPDX-License-Identifier: Apache-2.0
// Which chains below a trusted issuing CA are a device's: real handshakes in memory, with the hook installed.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "hub/gate/tls_hook.h"
#include "hub/gate/trust.h"
#include "tests/unit/hub/gate/certificates.h"

namespace latchkey::hub::gate {
namespace {

using test::KeyPtr;

struct Identity {
  X509Ptr certificate;
  KeyPtr key;
};

struct Extension {
  int kind;
  const char* value;
};
using Extensions = std::vector<Extension>;

const Extensions kDevice = {{NID_basic_constraints, "critical,CA:FALSE"},
                            {NID_key_usage, "critical,digitalSignature"},
                            {NID_ext_key_usage, "clientAuth"}};
const Extensions kIssuingCa = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                               {NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"},
                               {NID_ext_key_usage, "clientAuth"}};
const Extensions kAnyCa = {{NID_basic_constraints, "critical,CA:TRUE"},
                           {NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"}};

// Self-signed without an issuer.
Identity make(const std::string& name, const Identity* issuer, const Extensions& extensions) {
  Identity made{X509Ptr(X509_new()), KeyPtr(EVP_EC_gen("P-256"))};
  X509* certificate = made.certificate.get();
  const Identity& above = issuer == nullptr ? made : *issuer;
  static long serial = 0x0102;
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(above.certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  // Key ids tell a CA from another one of that name.
  Extensions all = extensions;
  all.push_back({NID_subject_key_identifier, "hash"});
  if (issuer != nullptr) all.push_back({NID_authority_key_identifier, "keyid"});
  X509V3_CTX context;
  X509V3_set_ctx(&context, above.certificate.get(), certificate, nullptr, nullptr, 0);
  for (const auto& [kind, value] : all) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  EXPECT_GT(X509_sign(certificate, above.key.get(), EVP_sha256()), 0);
  return made;
}

class Policy : public TlsPolicy {
 public:
  X509_STORE* store() override { return trust.store(); }
  UnixMs verification_time() override { return static_cast<UnixMs>(::time(nullptr) + later_s) * 1000; }
  AnchorRef anchor_of(X509* certificate) const override { return trust.find(certificate); }
  bool keeps_chain() const override { return false; }
  void connection_opened(SSL*) override {}
  void connection_heard(SSL*) override {}
  void connection_closed(SSL*) override {}

  TrustSet trust;
  std::int64_t later_s = 0;
};

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, SslFree>;
using SslPtr = std::unique_ptr<SSL, SslFree>;

class DeviceChain : public testing::Test {
 protected:
  DeviceChain()
      : root(make("root", nullptr, kAnyCa)),
        issuing(make("issuing", &root, kIssuingCa)),
        server(make("localhost", nullptr, kDevice)) {
    EXPECT_TRUE(policy.trust.add(test::id_of<Uuid>(0xa1), test::der_of(issuing.certificate.get())));
    EXPECT_TRUE(hook.install(policy));
  }

  static ContextPtr context_of(const SSL_METHOD* method, const Identity& identity,
                               const std::vector<const Identity*>& above) {
    ContextPtr context(SSL_CTX_new(method));
    EXPECT_EQ(SSL_CTX_use_certificate(context.get(), identity.certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), identity.key.get()), 1);
    for (const Identity* one : above) EXPECT_EQ(SSL_CTX_add1_chain_cert(context.get(), one->certificate.get()), 1);
    return context;
  }

  // The leaf that a client with that certificate has shown, which sends `above` along.
  X509Ptr shake_hands(const Identity& identity, const std::vector<const Identity*>& above = {}) {
    const ContextPtr ours = context_of(TLS_server_method(), server, {});
    const ContextPtr theirs = context_of(TLS_client_method(), identity, above);
    const SslPtr accepting(SSL_new(ours.get()));
    const SslPtr connecting(SSL_new(theirs.get()));
    BIO* here = nullptr;
    BIO* there = nullptr;
    EXPECT_EQ(BIO_new_bio_pair(&here, 0, &there, 0), 1);
    SSL_set_bio(accepting.get(), here, here);
    SSL_set_bio(connecting.get(), there, there);
    SSL_set_accept_state(accepting.get());
    SSL_set_connect_state(connecting.get());
    for (int step = 0; step < 20 && SSL_is_init_finished(accepting.get()) == 0; ++step) {
      SSL_do_handshake(connecting.get());
      SSL_do_handshake(accepting.get());
    }
    EXPECT_EQ(SSL_is_init_finished(accepting.get()), 1) << "TLS has to finish whatever is shown";
    return X509Ptr(SSL_get1_peer_certificate(accepting.get()));
  }
  static TlsVerdict verdict_on(const X509Ptr& leaf) {
    const TlsVerdict* verdict = leaf == nullptr ? nullptr : TlsHook::verdict_of(leaf.get());
    EXPECT_NE(verdict, nullptr);
    return verdict == nullptr ? TlsVerdict{} : *verdict;
  }
  // What the hook makes of such a client.
  TlsVerdict verdict_of(const Identity& identity, const std::vector<const Identity*>& above = {}) {
    return verdict_on(shake_hands(identity, above));
  }
  // The same when the anchors change between handshake and CONNECT.
  template <class Change>
  TlsVerdict judged_anew(const Identity& identity, Change change, const std::vector<const Identity*>& above = {}) {
    const X509Ptr leaf = shake_hands(identity, above);
    change();
    TlsHook::judge_anew(leaf.get());
    return verdict_on(leaf);
  }
  void trust(std::uint8_t name, const Identity& anchor) {
    EXPECT_TRUE(policy.trust.add(test::id_of<Uuid>(name), test::der_of(anchor.certificate.get())));
  }
  void expect_good(const TlsVerdict& verdict) {
    EXPECT_TRUE(verdict.complete);
    EXPECT_EQ(verdict.store, policy.store());
    EXPECT_FALSE(verdict.malformed);
    EXPECT_FALSE(verdict.untrusted);
    EXPECT_EQ(verdict.anchor.ca, test::id_of<Uuid>(0xa1));
  }
  void expect_malformed(const TlsVerdict& verdict) {
    EXPECT_TRUE(verdict.complete);
    EXPECT_TRUE(verdict.malformed);
    EXPECT_FALSE(verdict.untrusted) << "it is below an anchor";
  }

  Identity root;
  Identity issuing;
  Identity server;
  Policy policy;
  TlsHook hook;
};

TEST_F(DeviceChain, leaf_below_the_anchor_is_a_devices) { expect_good(verdict_of(make("dev-1", &issuing, kDevice))); }

// Rows: R-9-21
TEST_F(DeviceChain, everything_above_the_leaf_may_be_sent_along) {
  expect_good(verdict_of(make("dev-1", &issuing, kDevice), {&issuing, &root}));
}

TEST_F(DeviceChain, leaf_without_basic_constraints_and_key_usage_is_a_devices) {
  expect_good(verdict_of(make("dev-1", &issuing, {{NID_ext_key_usage, "clientAuth"}})));
}

TEST_F(DeviceChain, ca_certificate_is_no_devices) {
  expect_malformed(verdict_of(make("dev-1", &issuing, kAnyCa)));
  expect_malformed(verdict_of(make("dev-1", &issuing, {{NID_basic_constraints, "CA:TRUE"}})));
}

TEST_F(DeviceChain, certificate_that_may_sign_certificates_is_no_devices) {
  expect_malformed(verdict_of(
      make("dev-1", &issuing,
           {{NID_basic_constraints, "critical,CA:FALSE"}, {NID_key_usage, "critical,digitalSignature,keyCertSign"}})));
}

TEST_F(DeviceChain, anchor_itself_is_no_devices) { expect_malformed(verdict_of(issuing)); }

TEST_F(DeviceChain, leaf_below_a_ca_that_the_anchor_signed_is_no_devices) {
  const Identity below = make("below", &issuing, kAnyCa);
  expect_malformed(verdict_of(make("dev-1", &below, kDevice), {&below}));
}

// The path length of 0 does not forbid this one: it counts only CAs that change the name.
TEST_F(DeviceChain, leaf_below_a_ca_with_the_anchors_own_name_is_no_devices) {
  const Identity namesake = make("issuing", &issuing, kAnyCa);
  expect_malformed(verdict_of(make("dev-1", &namesake, kDevice), {&namesake}));
}

TEST_F(DeviceChain, leaf_below_a_ca_of_an_anchor_without_path_length_is_no_devices) {
  const Identity free = make("free", &root, kAnyCa);
  ASSERT_TRUE(policy.trust.add(test::id_of<Uuid>(0xa2), test::der_of(free.certificate.get())));
  const Identity below = make("below", &free, kIssuingCa);
  expect_malformed(verdict_of(make("dev-1", &below, kDevice), {&below}));
  EXPECT_FALSE(verdict_of(make("dev-1", &free, kDevice)).malformed);
}

TEST_F(DeviceChain, leaf_whose_anchor_came_behind_its_handshake_is_judged_by_it) {
  policy.trust.remove(test::id_of<Uuid>(0xa1));
  const Identity device = make("dev-1", &issuing, kDevice);
  EXPECT_TRUE(verdict_of(device).untrusted);
  expect_good(judged_anew(device, [this] { trust(0xa1, issuing); }));
  policy.trust.remove(test::id_of<Uuid>(0xa1));
  expect_good(judged_anew(device, [this] { trust(0xa1, issuing); }, {&issuing, &root}));
}

TEST_F(DeviceChain, strangers_leaf_is_untrusted_by_the_anchors_of_now_too) {
  const Identity other = make("other", nullptr, kAnyCa);
  const auto verdict = judged_anew(make("dev-1", &other, kDevice), [this] { trust(0xa2, root); });
  EXPECT_TRUE(verdict.complete);
  EXPECT_TRUE(verdict.untrusted);
  EXPECT_TRUE(verdict.anchor.none());
  EXPECT_EQ(verdict.store, policy.store()) << "refused by those of now, for good";
}

TEST_F(DeviceChain, what_is_no_devices_is_none_when_it_is_judged_anew) {
  policy.trust.remove(test::id_of<Uuid>(0xa1));
  expect_malformed(judged_anew(make("dev-1", &issuing, kAnyCa), [this] { trust(0xa1, issuing); }));
  policy.trust.remove(test::id_of<Uuid>(0xa1));
  const Identity below = make("below", &issuing, kAnyCa);
  const auto verdict = judged_anew(make("dev-1", &below, kDevice), [this] { trust(0xa1, issuing); }, {&below});
  EXPECT_TRUE(verdict.untrusted || verdict.malformed) << "it does not hang directly below an anchor";
}

TEST_F(DeviceChain, expired_leaf_is_expired_when_it_is_judged_anew) {
  policy.trust.remove(test::id_of<Uuid>(0xa1));
  const Identity device = make("dev-1", &issuing, kDevice);
  const auto verdict = judged_anew(device, [this] {
    trust(0xa1, issuing);
    policy.later_s = 2 * 86'400;
  });
  EXPECT_TRUE(verdict.complete);
  EXPECT_TRUE(verdict.expired);
}

TEST_F(DeviceChain, verdict_that_found_an_anchor_or_was_used_stays) {
  const X509Ptr good = shake_hands(make("dev-1", &issuing, kDevice));
  const void* const before = TlsHook::verdict_of(good.get());
  trust(0xa2, root);
  TlsHook::judge_anew(good.get());
  EXPECT_EQ(TlsHook::verdict_of(good.get()), before);

  policy.trust.remove(test::id_of<Uuid>(0xa1));
  const X509Ptr resumed = shake_hands(make("dev-1", &issuing, kDevice));
  TlsHook::verdict_of(resumed.get())->used = true;
  trust(0xa1, issuing);
  TlsHook::judge_anew(resumed.get());
  EXPECT_TRUE(verdict_on(resumed).used) << "who comes over a certificate object again did not do this handshake";
  EXPECT_TRUE(verdict_on(resumed).untrusted);
}

TEST_F(DeviceChain, strangers_ca_certificate_is_untrusted_rather_than_malformed) {
  const TlsVerdict verdict = verdict_of(make("dev-1", nullptr, kAnyCa));
  EXPECT_TRUE(verdict.untrusted);
  EXPECT_FALSE(verdict.malformed);
}

}  // namespace
}  // namespace latchkey::hub::gate
