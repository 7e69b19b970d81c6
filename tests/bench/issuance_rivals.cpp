// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/issuance_rivals.h"

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::bench {
namespace {

using std::chrono::steady_clock;
using PkeyCtxPtr = openssl::Owner<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

constexpr const char* kCfssl = "/usr/bin/cfssl";
constexpr const char* kOpenssl = "/usr/bin/openssl";

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}
double rusage_seconds(int who) {
  rusage used{};
  ::getrusage(who, &used);
  return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}
double seconds_since(steady_clock::time_point began) {
  return std::chrono::duration<double>(steady_clock::now() - began).count();
}
void must(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(std::string(what) + ": " + openssl::take_error());
}

std::string as_pem(const std::string& base64) {
  std::string pem = "-----BEGIN CERTIFICATE REQUEST-----\n";
  for (std::size_t i = 0; i < base64.size(); i += 64) pem += base64.substr(i, 64) + "\n";
  return pem + "-----END CERTIFICATE REQUEST-----\n";
}

std::vector<std::uint8_t> sha256(const std::vector<std::uint8_t>& data) {
  std::vector<std::uint8_t> digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  must(EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1, "SHA-256");
  digest.resize(size);
  return digest;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  must(fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
           ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0,
       "no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

// One connection that asks again and again: as little HTTP as that takes.
class HttpClient {
 public:
  explicit HttpClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~HttpClient() { ::close(fd_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  bool connected() const { return connected_; }

  // The answer's body.
  std::string post(const std::string& path, const std::string& body) {
    const std::string request = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
                                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    std::size_t sent = 0;
    while (sent < request.size()) {
      const auto done = ::send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (done <= 0) throw std::runtime_error("cfssl closed the connection");
      sent += static_cast<std::size_t>(done);
    }
    std::string answer;
    std::size_t head = std::string::npos;
    while ((head = answer.find("\r\n\r\n")) == std::string::npos) receive(answer);
    const auto field = answer.find("Content-Length: ");
    if (field == std::string::npos || field > head) throw std::runtime_error("cfssl: " + answer.substr(0, head));
    const std::size_t whole = head + 4 + std::strtoul(answer.c_str() + field + 16, nullptr, 10);
    while (answer.size() < whole) receive(answer);
    return answer.substr(head + 4);
  }

 private:
  void receive(std::string& answer) {
    char buffer[8192];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) throw std::runtime_error("cfssl closed the connection");
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  const int fd_;
  bool connected_ = false;
};

}  // namespace

double own_cpu_seconds() { return rusage_seconds(RUSAGE_SELF); }
double thread_cpu_seconds() { return rusage_seconds(RUSAGE_THREAD); }
double children_cpu_seconds() { return rusage_seconds(RUSAGE_CHILDREN); }

double process_cpu_seconds(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 2)));  // a name may hold spaces
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::vector<PreparedCsr> prepare_csrs(const std::vector<std::string>& devices) {
  std::vector<PreparedCsr> csrs;
  for (const auto& device : devices) {
    auto base64 = tests::make_csr(tests::make_key(), device);
    auto pem = as_pem(base64);
    csrs.push_back({device, std::move(base64), std::move(pem)});
  }
  return csrs;
}

// --- OpenSSL's two operations

struct PureCrypto::Job {
  PkeyCtxPtr verify;
  PkeyCtxPtr sign;
  std::vector<std::uint8_t> digest;
  std::vector<std::uint8_t> signature;
};

PureCrypto::PureCrypto(const std::vector<PreparedCsr>& csrs, EVP_PKEY* ca_key) : ca_key_(ca_key) {
  for (const auto& csr : csrs) {
    const auto der = tests::base64_bytes(csr.base64);
    const auto* at = der.data();
    const openssl::X509ReqPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
    must(request != nullptr, "a request of our own");
    const ASN1_BIT_STRING* signature = nullptr;
    X509_REQ_get0_signature(request.get(), &signature, nullptr);
    const auto to_be_signed = openssl::to_der(i2d_re_X509_REQ_tbs, request.get());
    auto job = std::make_unique<Job>();
    job->verify.reset(EVP_PKEY_CTX_new(X509_REQ_get0_pubkey(request.get()), nullptr));
    job->sign.reset(EVP_PKEY_CTX_new(ca_key_, nullptr));
    must(EVP_PKEY_verify_init(job->verify.get()) == 1 && EVP_PKEY_sign_init(job->sign.get()) == 1, "a context");
    job->digest = sha256(to_be_signed);
    job->signature.assign(ASN1_STRING_get0_data(signature),
                          ASN1_STRING_get0_data(signature) + ASN1_STRING_length(signature));
    jobs_.push_back(std::move(job));
  }
}

PureCrypto::~PureCrypto() = default;

PureCrypto::Cost PureCrypto::cost() {
  const auto n = static_cast<double>(jobs_.size());
  Cost cost;
  double began = thread_cpu_seconds();
  for (const auto& job : jobs_) {
    must(EVP_PKEY_verify(job->verify.get(), job->signature.data(), job->signature.size(), job->digest.data(),
                         job->digest.size()) == 1,
         "verifying");
  }
  cost.verify_us = 1e6 * (thread_cpu_seconds() - began) / n;
  began = thread_cpu_seconds();
  std::uint8_t signature[256];
  for (const auto& job : jobs_) {
    std::size_t size = sizeof signature;
    must(EVP_PKEY_sign(job->sign.get(), signature, &size, job->digest.data(), job->digest.size()) == 1, "signing");
  }
  cost.sign_us = 1e6 * (thread_cpu_seconds() - began) / n;
  return cost;
}

void PureCrypto::run(std::size_t first, std::size_t step) {
  std::uint8_t signature[256];
  for (std::size_t i = first; i < jobs_.size(); i += step) {
    const auto& job = *jobs_[i];
    std::size_t size = sizeof signature;
    (void)EVP_PKEY_verify(job.verify.get(), job.signature.data(), job.signature.size(), job.digest.data(),
                          job.digest.size());
    (void)EVP_PKEY_sign(job.sign.get(), signature, &size, job.digest.data(), job.digest.size());
  }
}

double PureCrypto::rate(std::size_t threads) {
  const auto began = steady_clock::now();
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) running.emplace_back([&, i] { run(i, threads); });
  for (auto& thread : running) thread.join();
  return static_cast<double>(jobs_.size()) / seconds_since(began);
}

// --- cfssl

bool Cfssl::installed() { return ::access(kCfssl, X_OK) == 0; }

Cfssl::Cfssl(const CaFiles& ca, const std::filesystem::path& folder) : port_(free_port()) {
  const auto config = folder / "cfssl.json";
  std::ofstream(config)
      << R"({"signing":{"default":{"expiry":"720h","usages":["digital signature","client auth"],)"
         R"("crl_url":"http://127.0.0.1:8880/crl/x.crl","issuer_urls":["http://127.0.0.1:8880/x.cer"],)"
         R"("ocsp_url":"http://127.0.0.1:8880/ocsp"}}})";
  process_ = std::make_unique<tests::Subprocess>(
      std::vector<std::string>{kCfssl, "serve", "-address=127.0.0.1", "-port=" + std::to_string(port_),
                               "-ca=" + ca.certificate.string(), "-ca-key=" + ca.key.string(),
                               "-config=" + config.string(), "-loglevel=4"},
      folder / "cfssl.log");
  for (int i = 0; i < 1000; ++i) {
    if (HttpClient(port_).connected()) return;
    if (!process_->running()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error("cfssl does not come up: " + tests::read_text(folder / "cfssl.log"));
}

Cfssl::Figures Cfssl::run(const std::vector<PreparedCsr>& csrs, std::size_t in_progress) {
  std::vector<std::string> bodies;
  for (const auto& csr : csrs) bodies.push_back(nlohmann::json{{"certificate_request", csr.pem}}.dump());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  const double cpu = process_cpu_seconds(process_->pid());
  const auto began = steady_clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < in_progress; ++i) {
    threads.emplace_back([&] {
      try {
        HttpClient client(port_);
        for (std::size_t one = next++; one < bodies.size(); one = next++) {
          if (client.post("/api/v1/cfssl/sign", bodies[one]).find("\"success\":true") == std::string::npos)
            failed = true;
        }
      } catch (const std::exception&) {
        failed = true;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto n = static_cast<double>(csrs.size());
  const Figures figures{n / seconds_since(began), 1e6 * (process_cpu_seconds(process_->pid()) - cpu) / n};
  if (failed) throw std::runtime_error("cfssl refused a request");
  return figures;
}

// --- openssl x509

OpensslFigures run_openssl(const std::vector<PreparedCsr>& csrs, const CaFiles& ca,
                           const std::filesystem::path& folder) {
  OpensslFigures figures;
  const auto csr_file = (folder / "device.csr").string();
  const auto out = (folder / "device.pem").string();
  for (const auto& csr : csrs) {
    std::ofstream(csr_file, std::ios::trunc) << csr.pem;
    double began = children_cpu_seconds();
    const auto done = tests::run({kOpenssl, "x509", "-req", "-in", csr_file, "-CA", ca.certificate.string(), "-CAkey",
                                  ca.key.string(), "-days", "30", "-sha256", "-set_serial", "4711", "-out", out});
    if (done.exit_status != 0) throw std::runtime_error("openssl x509: " + done.err);
    figures.cpu_us += 1e6 * (children_cpu_seconds() - began);
    began = children_cpu_seconds();
    (void)tests::run({kOpenssl, "version"});
    figures.empty_us += 1e6 * (children_cpu_seconds() - began);
  }
  const auto n = static_cast<double>(csrs.size());
  return {figures.cpu_us / n, figures.empty_us / n};
}

}  // namespace latchkey::bench
