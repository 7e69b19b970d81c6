// SPDX-License-Identifier: Apache-2.0
// Writes the corpus that libFuzzer begins with: `fuzz_corpus FOLDER`. Texts are written out here, in the words of our
// hub and of the public articles; certificates, tokens, bundles and statements are made by the hub's own rooms, with
// keys that are thrown away. What a fuzzer found is added by hand, under a name that begins with `found-`.
#include <openssl/core_names.h>

#include <filesystem>
#include <fstream>

#include "hub/wire/decision.h"
#include "hub/wire/envelope.h"
#include "hub/wire/feed.h"
#include "hub/wire/hold.h"
#include "tests/unit/agent/update/firmware_world.h"
#include "tests/unit/platform/test_certificates.h"

namespace latchkey::fuzz {
namespace {

using namespace std::string_literals;
using Bytes = std::vector<std::uint8_t>;
namespace wire = latchkey::hub::wire;
namespace der = latchkey::hub::signing::der;

std::filesystem::path g_root;

void put(const std::string& target, const std::string& name, ByteView bytes) {
  std::filesystem::create_directories(g_root / target);
  std::ofstream(g_root / target / name, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
// Numbered in their order.
void put_all(const std::string& target, const std::vector<std::string>& texts) {
  int number = 0;
  for (const std::string& text : texts) put(target, "text-" + std::to_string(++number), text);
}
// As fuzz::Input reads it.
std::string piece(ByteView bytes) {
  return std::string{static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size())} + std::string(bytes.text());
}

void write_answers() {
  const std::string assigned =
      R"({"operationId":"5.71cf7e38.0f1c2d3e","status":"assigned","registrationState":{"x509":{},)"
      R"("registrationId":"dev-1","createdDateTimeUtc":"2026-01-18T10:00:00.1234567Z",)"
      R"("assignedHub":"hub.example","deviceId":"dev-1",)"
      R"("status":"assigned","substatus":"initialAssignment","etag":"IjAwMDAwMDAwIg==","payload":{},)"
      R"("issuedCertificateChain":["TEVBRg==","SUNB","Uk9PVA=="],)"
      R"("renewalWindow":{"start":"2026-01-20T10:00:00Z","end":"2026-01-21T10:00:00Z"}}})";
  put_all("dps_answer",
          {assigned, R"({"operationId":"5.x","status":"assigning"})",
           R"({"operationId":"5.x","status":"failed","registrationState":{"status":"failed","errorCode":404204,)"
           R"("errorMessage":"policy missing"}})",
           R"({"operationId":"","status":"disabled","registrationState":null})",
           R"({"errorCode":"401002","trackingId":"t","message":"Unauth\u006Frized","info":{"a":[1]}})",
           R"({"status":"assigned","status":"failed","registrationState":{"issuedCertificateChain":[]}})",
           R"({"registrationState":{"issuedCertificateChain":["a","b","c","d"]}})"});
  put_all("renewal_answer",
          {R"({"correlationId":"c-1","operationExpires":"2026-01-30T12:00:00Z"})",
           R"({"correlationId":"c-1","certificates":["TEVBRg==","SUNB","Uk9PVA=="],)"
           R"("renewalWindow":{"start":"2026-01-20T10:00:00Z","end":"2026-01-21T10:00:00Z"}})",
           R"({"errorCode":409005,"message":"runs","trackingId":"t","retryAfter":7,"info":{"correlationId":"c",)"
           R"("requestId":"lk-1","operationExpires":"x","credentialError":"E"}})",
           R"({"errorCode":"400037","message":null})", R"({"certificates":["A","B","C","D"]})"});
  put_all("renewal_window",
          {"2026-11-21T13:22:18Z", "2024-02-29T23:59:59.999Z", "2100-02-29T00:00:00Z", "2105-12-31T23:59:59Z",
           "1970-01-01T00:00:01Z", R"({"start":"2026-01-20T10:00:00Z","end":"2026-01-21T10:00:00Z"})",
           R"({"start":null,"end":[{}],"explanationURL":"x"})", "[[[1]]]"});
  put_all("certificate_list", {"[]", R"(["TEVBRg=="])", R"(["TEVBRg==","SUNB","Uk9PVA=="])", R"(["a","b","c","d"])",
                               R"(["TE\u0056BRg\u003d=",""])", R"([1])", R"([["a"]])"});
  put_all("json",
          {assigned, R"("\ud83d\ude00\n\u0000\/")", R"([1,-0.5e+10,18446744073709551615,true,false,null])",
           "{\"a\":{\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}}", " \t\r\n{ } ", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"",
           "\"\xED\xA0\x80\"", R"("\udc00")", "[1,]", "{\"a\" 1}", "01"});
}

void write_topics() {
  put_all("dps_topics", {"$dps/registrations/res/202/?$rid=lk-1&retry-after=3", "$dps/registrations/res/200/?$rid=1",
                         "$dps/registrations/res/429/?retry-after=10&$rid=a%20b&$rid=c",
                         "$dps/registrations/res/2000/?$rid=1", "$dps/registrations/PUT/iotdps-register/?$rid=lk-1",
                         "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=lk-2&operationId=5.71cf7e38.0f1c2d3e",
                         "0ne00000000/registrations/pump-17/api-version=2025-07-01-preview&ClientVersion=sdk%2F1.0"});
  put_all("hub_topics",
          {"$iothub/credentials/res/202/?$rid=lk-1", "$iothub/credentials/res/200/?$rid=4711&x=y",
           "devices/pump-17/messages/devicebound/%24.mid=1&%24.to=%2Fdevices%2Fpump-17%2Fmessages%2Fdevicebound&a=b",
           "devices/pump-17/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8", "devices/pump-17/messages/events/",
           "$iothub/credentials/POST/issueCertificate/?$rid=lk-1", "$iothub/twin/GET/?$rid=1",
           "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=18446744073709551615",
           "$iothub/methods/res/-200/?$rid=1",
           "hub.example:8883/pump-17/?api-version=2025-08-01-preview&DeviceClientType=a%2Fb",
           "hub.example/pump-17/module/?api-version=2021-04-12"});
  put_all("text",
          {"a=b&c&=d&&e=f=g", "%41%2f%00", "%zz", "18446744073709551616", "TEVBRg==", "TEVBRh==", "00fFAb", "\0\xff"s});
  const std::string signature = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY%3D";  // not one, but of its size
  put_all("sas",
          {"SharedAccessSignature sr=0ne%2Fregistrations%2Fdev&sig=" + signature + "&skn=registration&se=1893456000",
           "SharedAccessSignature se=1&sr=0ne/registrations/dev&sig=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
           "SharedAccessSignature sr=a&sr=b&sig=b&se=1", "SharedAccessSignature sr=a&sig=b&se=-1&x",
           "SharedAccessSignature sr=%00&sig=" + signature + "&se=99999999999999999999"});
}

void write_firmware_talk() {
  const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";
  put_all("firmware", {R"({"report":"hello","version":"1.0.0","board":"pump-controller-2","pins":0,"revocations":0})",
                       R"({"report":"refused","reason":"wrongBoard","id":")" + id +
                           R"(","version":"1.2.0","board":"b","pins":7,"revocations":18446744073709551615,"image":")" +
                           id + R"("})",
                       R"({"report":"confirmed","id":null,"version":"1.2.0","board":"b","later":[{"a":"\u0041"}]})",
                       R"({"report":"a\"b","version":"1.0","board":"\\"})", R"({"id":")" + id + R"(","size":1048577})",
                       R"({"size":1,"id":"12","id":")" + id + R"(","x":{}})", R"({"id":")" + id + R"("})",
                       "$iothub/latchkey/firmware/GET/?$rid=7&id=" + id + "&at=81920&length=4096",
                       "$iothub/latchkey/firmware/GET/?$rid=7&at=18446744073709551616&length=0&id=" + id,
                       "$iothub/latchkey/firmware/res/200/?$rid=7",
                       "$iothub/latchkey/firmware/res/429/?$rid=7&retry-after=4294967295"});
}

std::string mqtt_text(const std::string& value) {
  return std::string{static_cast<char>(value.size() >> 8), static_cast<char>(value.size())} + value;
}
std::string packet(char first, const std::string& body) {
  std::string header{first};
  std::size_t rest = body.size();
  do {
    header += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
    rest >>= 7;
  } while (rest != 0);
  return header + body;
}

void write_streams() {
  const std::string connack = "\x20\x02\0\0"s;
  put("mqtt_client", "session",
      "\x02"s + connack + "\x90\x03\0\x01\x01"s + packet('\x30', mqtt_text("a/b") + "zero") +
          packet('\x32', mqtt_text("c") + "\0\x07"s + "one") + "\x40\x02\0\x02"s + "\x40\x02\0\x03"s + "\xD0\0"s +
          packet('\x32', mqtt_text("large") + "\0\x08"s + std::string(200, 'x')) +
          packet('\x30', mqtt_text("last") + "!"));
  put("mqtt_client", "refused", "\0\x20\x02\0\x05"s + packet('\x30', mqtt_text("t") + "x"));
  put("mqtt_client", "length-of-five-bytes", "\0"s + connack + "\x30\xff\xff\xff\xff\x7f"s);
  put("mqtt_client", "topic-beyond-the-packet", "\x06"s + connack + "\x30\x04\0\x09t!"s);
  put("mqtt_client", "qos-2", "\x01"s + connack + packet('\x34', mqtt_text("t") + "\0\x01x"s));
  put("mqtt_client", "many-acknowledged", [&] {
    std::string stream = "\x10"s + connack;
    for (char id = 1; id < 60; ++id) stream += packet('\x32', mqtt_text("t") + "\0"s + id);
    return stream;
  }());
  const auto header = [](std::uint32_t sequence, std::uint32_t length) {
    constexpr std::uint32_t kMagic = 0x31464B4C;
    std::string text = "\x01"s;
    for (const std::uint32_t number : {kMagic, sequence, length, ~(kMagic ^ sequence ^ length)}) {
      for (int i = 0; i < 4; ++i) text += static_cast<char>(number >> (8 * i));
    }
    return text + 'r';
  };
  put("flash_storage", "both-banks", header(1, 20) + header(2, 30) + "\0\0"s + header(7, 12272) + header(7, 0));
  put("flash_storage", "largest-sequence", header(0xFFFFFFFF, 5) + "\0"s + header(0xFFFFFFFF, 5) + header(0, 5));
  put("flash_storage", "too-long", header(3, 12273) + header(2, 0xFFFFFFFF));
  put("flash_storage", "blank", std::string_view());
}

void write_records(const std::string& certificate_pem) {
  const std::string head = "latchkey-credential 1\nchecksum " + std::string(64, '0') + "\n";
  const std::string csr = "-----BEGIN CERTIFICATE REQUEST-----\nTEVBRg==\n-----END CERTIFICATE REQUEST-----\n";
  put("record", "pending", head + "generation 0000000001\nstate pending\nhub -\ndevice -\nrequest -\n@KEY@\n" + csr);
  for (const auto* state : {"staged ", "proven ", "refused"}) {
    put("record", std::string(state).substr(0, 6),
        head + "generation 4294967295\nstate " + state +
            "\nhub hub.example:8883\ndevice pump-17\nrequest lk-1\n@KEY@\n" + certificate_pem + certificate_pem);
  }
  put("record", "no-key",
      head + "generation 0000000001\nstate staged \nhub h\ndevice d\nrequest -\n" + certificate_pem);
  put("record", "short", head);
  put_all("pem", {certificate_pem, "x\r\n-----BEGIN CERTIFICATE-----\r\nTE\r\nVBRg==\r\n-----END CERTIFICATE-----\r\n",
                  "-----BEGIN CERTIFICATE-----\nTEVBRg==TEVB\n-----END CERTIFICATE-----\n", csr,
                  "-----BEGIN CERTIFICATE-----\nTEVB\n", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"});
}

// Root, issuing CA, and leaves for one device.
struct Chain {
  test::Pkey root_key = test::make_ec_key(), issuing_key = test::make_ec_key(), leaf_key = test::make_ec_key();
  test::X509Ptr root = test::make_certificate(authority("rootca-1", root_key.get()));
  test::X509Ptr issuing = make_issuing();

  static test::CertificateSpec authority(const std::string& name, EVP_PKEY* key) {
    test::CertificateSpec spec;
    spec.common_names = {name};
    spec.subject_key = key;
    spec.ca = true;
    return spec;
  }
  test::X509Ptr make_issuing() {
    test::CertificateSpec spec = authority("ica-1", issuing_key.get());
    spec.issuer = root.get();
    spec.issuer_key = root_key.get();
    return test::make_certificate(spec);
  }
  test::CertificateSpec leaf() {
    test::CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = leaf_key.get();
    spec.issuer = issuing.get();
    spec.issuer_key = issuing_key.get();
    spec.extensions = {{std::string(kIdentifierOid), false, Bytes(32, 7)}};
    return spec;
  }
};

void put_certificate(const std::string& name, const Chain& chain, const test::CertificateSpec& spec) {
  const Bytes leaf = test::to_der(test::make_certificate(spec).get());
  put("certificate", name, leaf);
  put("issued", name,
      piece(std::string_view("pump-17")) + piece(leaf) + piece(test::to_der(chain.issuing.get())) +
          piece(test::to_der(chain.root.get())));
}

test::Pkey explicit_curve_key() {
  test::Pkey key = test::make_ec_key();
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
  return key;
}

std::string write_certificates() {
  Chain chain;
  put_certificate("good", chain, chain.leaf());
  const Bytes good = test::to_der(test::make_certificate(chain.leaf()).get());
  test::CertificateSpec spec = chain.leaf();
  spec.extensions.push_back({std::string(kAzureIdentifierOid), true, Bytes(34, 4)});
  put_certificate("services-own-critical-extension", chain, spec);
  spec = chain.leaf();
  spec.extensions.push_back({"1.2.3.4.5", true, {0x05, 0x00}});
  put_certificate("unknown-critical-extension", chain, spec);
  spec = chain.leaf();
  spec.extensions.push_back(spec.extensions[0]);
  put_certificate("identifier-twice", chain, spec);
  spec = chain.leaf();
  spec.common_names = {"pump-18"};
  put_certificate("another-device", chain, spec);
  spec = chain.leaf();
  spec.common_names = {"pump-17", "pump-18"};
  spec.serial = Bytes(20, 0xFF);
  put_certificate("two-names", chain, spec);
  const test::Pkey curve = explicit_curve_key();
  spec = chain.leaf();
  spec.subject_key = curve.get();
  put_certificate("explicit-curve", chain, spec);
  const test::Pkey large = test::make_ec_key("P-384");
  spec.subject_key = large.get();
  spec.not_after = 253'402'300'799;
  put_certificate("p-384", chain, spec);
  const std::string name = piece(std::string_view("pump-17"));
  const std::string issuing = piece(test::to_der(chain.issuing.get()));
  put("issued", "none", name);
  put("issued", "one", name + piece(good));
  put("issued", "four", name + piece(good) + issuing + issuing + issuing);
  put("issued", "wrong-order", name + issuing + piece(good));
  put("issued", "empty-certificate", name + piece(good) + piece(ByteView()));
  put("certificate", "authority", test::to_der(chain.root.get()));
  put("der", "certificate", good);
  return test::to_pem(test::make_certificate(chain.leaf()).get());
}

void write_firmware() {
  agent::test::FirmwareWorld world;
  const auto leaf = world.leaf();
  agent::test::Release release;
  release.image = Bytes(40, 0x42);
  release.dependencies = {{"bootloader", {2, 0, 0}}, {"modem", {1, 70000, 3}}};
  release.accuracy_ms = 500;
  const Bytes stamped = world.envelope(leaf, release);
  put("envelope", "bundle", hub::signing::join_bundle(stamped, release.image));
  put("envelope", "envelope", stamped);
  put("cbor", "envelope", stamped);
  put("manifest", "whole", agent::read_envelope(stamped)->payload);
  const auto envelope = agent::read_envelope(stamped);
  put("timestamp", "token", piece(envelope->stamped) + piece(world.tsa_root) + std::string(envelope->token.text()));
  put("timestamp", "another-root",
      piece(envelope->stamped) + piece(world.signing_root) + std::string(envelope->token.text()));
  put("der", "token", envelope->token);
  release.stamped_at.reset();
  release.dependencies.clear();
  put("envelope", "without-stamp", hub::signing::join_bundle(world.envelope(leaf, release), release.image));
  put("manifest", "small", agent::read_envelope(world.envelope(leaf, release))->payload);

  const std::string key = piece(world.statement_spki);
  const Bytes pins = *hub::signing::make_pin_statement(world.statement_key.get(), 7,
                                                       {agent::test::eku_of(agent::test::ProfileType::kPublicTrust),
                                                        agent::test::eku_of(agent::test::ProfileType::kPrivateTrust)});
  const Bytes revocations = world.revocation_statement(
      {{agent::test::revoked(leaf, agent::test::kStart, agent::test::RevocationReason::kSuperseded)}, {}, {}});
  put("statement", "pins", key + std::string(ByteView(pins).text()));
  put("statement", "revocations", key + std::string(ByteView(revocations).text()));
  put("statement", "pins-body", "\0\0"s + std::string(agent::read_statement(pins, world.statement_spki)->body.text()));
  put("statement", "revocations-body",
      "\0\0"s + std::string(agent::read_statement(revocations, world.statement_spki)->body.text()));
  put("cbor", "statement", revocations);
  put("cbor", "numbers",
      "\x18\x18\x19\x01\x00\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"s);
  put("der", "values",
      der::sequence({der::integer(0), der::integer(128), der::integer(UINT64_MAX), der::oid("1.2.840.113549.1.7.2"),
                     der::set_of({der::null(), der::octet_string(Bytes(200, 1))})}));
}

void write_messages() {
  wire::Batch batch;
  batch.generation = 4711;
  batch.number = 1;
  batch.snapshot_end = true;
  batch.changes = {wire::DeviceRecord{"pump-17", {}, {}, true, 3}, wire::DeviceGone{"pump-18"},
                   wire::AnchorAdded{{}, Bytes(20, 5)}, wire::AnchorGone{}, wire::ClockSet{60'000, 5, 2.5}};
  put("wire", "batch", wire::encode(batch));
  put("wire", "ack", wire::encode(wire::Ack{4711, 3, 2, true}));
  wire::Opened opened;
  opened.connection = 77;
  opened.client_id = "pump-17";
  opened.username = "hub.example/pump-17/?api-version=2025-08-01-preview";
  opened.chain = {Bytes(10, 1), Bytes(5, 2)};
  opened.peer = "127.0.0.1";
  opened.identifier = DeviceIdentifier{};
  opened.filters = {"a/#", "b"};
  opened.kept = true;
  put("wire", "opened", wire::encode(opened));
  put("wire", "closed", wire::encode(wire::Closed{{1, 2, 3}}));
  put("wire", "subscribed", wire::encode(wire::Subscribed{1, "a/#", true}));
  put("wire", "resumed", wire::encode(wire::Resumed{1, {"t", "t"}}));
  put("wire", "attest", wire::encode(wire::Attest{1, true}));
  put("wire", "deliver", wire::encode(wire::Deliver{1, "topic", Bytes(9, 9), 1, 5}));
  put("wire", "end", wire::encode(wire::End{1}));
  put("wire", "delivered", wire::encode(wire::Delivered{1, {4, 5}}));
  put("wire", "hold", wire::encode(wire::Hold{250}));
  wire::Decisions decisions;
  decisions.decisions.emplace_back();
  decisions.decisions[0].client_id = "pump-17";
  put("wire", "decisions", wire::encode(decisions));
  put("wire", "topic", wire::request_topic(0x1234, "$iothub/twin/GET/?$rid=1"));
}

}  // namespace
}  // namespace latchkey::fuzz

int main(int argc, char** argv) {
  using namespace latchkey::fuzz;
  if (argc != 2) return std::fputs("usage: fuzz_corpus FOLDER\n", stderr), 2;
  g_root = argv[1];
  write_answers();
  write_topics();
  write_firmware_talk();
  write_streams();
  write_records(write_certificates());
  write_firmware();
  write_messages();
  return 0;
}
