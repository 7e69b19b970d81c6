// SPDX-License-Identifier: Apache-2.0
// bench_crypto_bound [SECONDS]: what OpenSSL alone takes for each piece of cryptography in a device's life, P-256 and
// TLS 1.3, in microseconds of a core, as one JSON object on standard output. Every core runs the same loop at the same
// time, since a fleet and its hub use all of them; CPU time is counted, not wall time, and what stands there is the
// median of short blocks, so that a noisy neighbour hardly moves it.
//
// Signatures and verifications are these alone, keys parsed and contexts made beforehand: what a CSR or a certificate
// around them takes is the agent's and the hub's own affair.
//
// Handshakes pass through memory: they are cryptography and TLS alone. "mutualOverTcp" is both ends of one over a
// connection of the loopback interface, from socket() to close(): what the kernel takes for it comes on top wherever
// devices connect to a broker.
//
// The fleet's benches (fleet.py, rotation.py) hold what they measured beside these.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "platform/files/descriptor.h"
#include "platform/openssl/certificate_builder.h"
#include "tests/bench/report.h"

namespace latchkey::bench {
namespace {

using openssl::PkeyPtr;
using openssl::X509Ptr;
using Clock = std::chrono::steady_clock;

constexpr int kBlock = 10;        // of one primitive at a time; then comes the next
constexpr int kMostTurns = 1000;  // of a handshake's ends; three are enough where nothing has to travel
constexpr UnixMs kNotBefore = 1577836800000;
constexpr UnixMs kNotAfter = 2524608000000;
constexpr std::uint8_t kSerial[] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};

struct SslFree {
  void operator()(SSL* tls) const { SSL_free(tls); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct KeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, KeyContextFree>;
using Tls = std::unique_ptr<SSL, SslFree>;
using Context = std::unique_ptr<SSL_CTX, SslFree>;

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

struct Issued {
  PkeyPtr key;
  X509Ptr certificate;
};

Issued authority(const char* name) {
  Issued made{openssl::make_ec_key("P-256"), nullptr};
  made.certificate = openssl::CertificateBuilder()
                         .serial(ByteView(kSerial, sizeof kSerial))
                         .subject(name)
                         .issuer_is_subject()
                         .validity(kNotBefore, kNotAfter)
                         .public_key(made.key.get())
                         .authority(0)
                         .key_usage(KU_KEY_CERT_SIGN | KU_CRL_SIGN)
                         .sign(made.key.get());
  must(made.certificate != nullptr, "a CA certificate");
  return made;
}

X509Ptr leaf(const Issued& ca, EVP_PKEY* key, const char* name, int usage) {
  auto made = openssl::CertificateBuilder()
                  .serial(ByteView(kSerial, sizeof kSerial))
                  .subject(name)
                  .issuer(ca.certificate.get())
                  .validity(kNotBefore, kNotAfter)
                  .public_key(key)
                  .end_entity()
                  .key_usage(KU_DIGITAL_SIGNATURE)
                  .extended_key_usage(usage)
                  .sign(ca.key.get());
  must(made != nullptr, "a certificate");
  return made;
}

double cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// Connections to oneself, both ends on one thread.
class Loopback {
 public:
  Loopback() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    must(listener_ && ::bind(listener_.get(), at(), size) == 0 && ::listen(listener_.get(), 1) == 0 &&
             ::getsockname(listener_.get(), at(), &size) == 0,
         "a listener");
  }
  // Client's and server's end; whoever takes them closes the sockets with them.
  std::pair<BIO*, BIO*> connect() {
    files::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    must(client && ::connect(client.get(), at(), sizeof address_) == 0, "a connection");
    files::Descriptor server(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    must(static_cast<bool>(server), "the other end of a connection");
    return {end(std::move(client)), end(std::move(server))};
  }

 private:
  sockaddr* at() { return reinterpret_cast<sockaddr*>(&address_); }
  static BIO* end(files::Descriptor socket) {
    const int yes = 1;
    must(::fcntl(socket.get(), F_SETFL, O_NONBLOCK) == 0 &&
             ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0,
         "a socket's options");
    return BIO_new_socket(socket.release(), BIO_CLOSE);
  }
  files::Descriptor listener_;
  sockaddr_in address_{};
};

// One core's bench: keys, certificates and contexts of its own, so that threads share nothing.
class Lane {
 public:
  Lane() {
    device_key_ = openssl::make_ec_key("P-256");
    device_ = leaf(devices_ca_, device_key_.get(), "device", NID_client_auth);
    server_ = context(servers_ca_, TLS_server_method(), "server", NID_server_auth);
    client_ = Context(SSL_CTX_new(TLS_client_method()));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client_.get()), servers_ca_.certificate.get());
    SSL_CTX_set_verify(client_.get(), SSL_VERIFY_PEER, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server_.get()), devices_ca_.certificate.get());
    for (SSL_CTX* each : {server_.get(), client_.get()}) {
      SSL_CTX_set_min_proto_version(each, TLS1_3_VERSION);
      SSL_CTX_set_options(each, SSL_OP_NO_TICKET);
      SSL_CTX_set_session_cache_mode(each, SSL_SESS_CACHE_OFF);
    }
    SSL_CTX_set_num_tickets(server_.get(), 0);
    signing_.reset(EVP_PKEY_CTX_new(device_key_.get(), nullptr));
    verifying_.reset(EVP_PKEY_CTX_new(device_key_.get(), nullptr));
    must(EVP_PKEY_sign_init(signing_.get()) == 1 && EVP_PKEY_verify_init(verifying_.get()) == 1, "a context");
    sign();
  }

  void run(Clock::time_point until) {
    while (Clock::now() < until) {
      handshakes("mutual", true);
      handshakes("serverAuthenticated", false);
      block("mutualOverTcp", [this] { handshake_over_tcp(); });
      block("keyGeneration", [] { must(openssl::make_ec_key("P-256") != nullptr, "a key"); });
      block("signature", [this] { sign(); });
      block("verification", [this] { verify(); });
    }
  }

  std::map<std::string, std::vector<double>> blocks;  // microseconds of one, of each block

 private:
  void block(const std::string& name, const std::function<void()>& once) {
    const double before = cpu_us();
    for (int i = 0; i < kBlock; ++i) once();
    blocks[name].push_back((cpu_us() - before) / kBlock);
  }

  static Context context(const Issued& ca, const SSL_METHOD* method, const char* name, int usage) {
    Context made(SSL_CTX_new(method));
    const auto key = openssl::make_ec_key("P-256");
    const auto certificate = leaf(ca, key.get(), name, usage);
    must(SSL_CTX_use_certificate(made.get(), certificate.get()) == 1 &&
             SSL_CTX_use_PrivateKey(made.get(), key.get()) == 1,
         "a server's context");
    return made;
  }

  // Each end's share apart: they take turns on this thread.
  void handshakes(const std::string& name, bool mutual) {
    double client_us = 0;
    double server_us = 0;
    for (int i = 0; i < kBlock; ++i) handshake(mutual, client_us, server_us);
    blocks[name + "Client"].push_back(client_us / kBlock);
    blocks[name + "Server"].push_back(server_us / kBlock);
  }

  void handshake(bool mutual, double& client_us, double& server_us) {
    BIO* client_end = nullptr;
    BIO* server_end = nullptr;
    must(BIO_new_bio_pair(&client_end, 1 << 15, &server_end, 1 << 15) == 1, "a pair of BIOs");
    handshake({client_end, server_end}, mutual, client_us, server_us);
  }

  void handshake_over_tcp() {
    double unused = 0;
    handshake(loopback_.connect(), true, unused, unused);
  }

  void handshake(std::pair<BIO*, BIO*> ends, bool mutual, double& client_us, double& server_us) {
    const auto [client_end, server_end] = ends;
    const double begun = cpu_us();
    Tls client(SSL_new(client_.get()));
    if (mutual) must(SSL_use_cert_and_key(client.get(), device_.get(), device_key_.get(), nullptr, 1) == 1, "a key");
    SSL_set_bio(client.get(), client_end, client_end);
    SSL_set_connect_state(client.get());
    const double made = cpu_us();
    Tls server(SSL_new(server_.get()));
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_accept_state(server.get());
    SSL_set_verify(server.get(), mutual ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, nullptr);
    client_us += made - begun;
    server_us += cpu_us() - made;
    const auto finished = [&] { return SSL_is_init_finished(client.get()) && SSL_is_init_finished(server.get()); };
    for (int turn = 0; turn < kMostTurns && !finished(); ++turn) {
      SSL* const whose = turn % 2 == 0 ? client.get() : server.get();
      const double before = cpu_us();
      SSL_do_handshake(whose);
      (turn % 2 == 0 ? client_us : server_us) += cpu_us() - before;
    }
    must(finished(), "a handshake");
    const double before = cpu_us();
    client.reset();
    const double freed = cpu_us();
    server.reset();
    client_us += freed - before;
    server_us += cpu_us() - freed;
    ERR_clear_error();
  }

  void sign() {
    signature_size_ = sizeof signature_;
    must(EVP_PKEY_sign(signing_.get(), signature_, &signature_size_, digest_, sizeof digest_) == 1, "a signature");
  }

  void verify() {
    must(EVP_PKEY_verify(verifying_.get(), signature_, signature_size_, digest_, sizeof digest_) == 1,
         "a signature's verification");
  }

  Loopback loopback_;
  const Issued servers_ca_ = authority("servers");
  const Issued devices_ca_ = authority("devices");
  PkeyPtr device_key_;
  X509Ptr device_;
  Context server_;
  Context client_;
  KeyContext signing_, verifying_;
  const std::uint8_t digest_[32] = {0x20, 0x26};
  std::uint8_t signature_[80];
  std::size_t signature_size_ = 0;
};

nlohmann::ordered_json measure(double seconds) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const auto until = Clock::now() + std::chrono::milliseconds(static_cast<long>(seconds * 1000));
  std::map<std::string, std::vector<double>> all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (unsigned core = 0; core < cores; ++core) {
    threads.emplace_back([&] {
      Lane lane;
      lane.run(until);
      const std::lock_guard lock(mutex);
      for (const auto& [name, values] : lane.blocks) all[name].insert(all[name].end(), values.begin(), values.end());
    });
  }
  for (auto& thread : threads) thread.join();
  nlohmann::ordered_json figures = {{"cores", cores}, {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)}};
  for (const auto& [name, values] : all) figures["us"][name] = median(values);
  return figures;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  try {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
    std::printf("%s\n", latchkey::bench::measure(seconds).dump(2).c_str());
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "bench_crypto_bound: %s\n", problem.what());
    return 1;
  }
}
