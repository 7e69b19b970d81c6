#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the files of an ESP32 compile against the vendor's own headers? For ESP32-C3, by Debian's RISC-V compiler, without
the vendor's tools: the syntax, the types and the calls, no code.

    tests/boards/esp32_headers.py --idf ~/esp/esp-idf
    tests/boards/esp32_headers.py --idf ... --mbedtls ... --mqtt ... --lwip ...    # where submodules are elsewhere

Exit status: 0 all compile, 1 one does not, 2 something is missing. Needs scripts/setup --boards."""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["platform/base", "platform/crypto", "platform/esp_idf", "agent/protocol", "agent/core", "agent/update",
           "agent/story",
           "boards/esp32/main"]
# What the vendor's configuration tool would have written of its own defaults, where their headers ask for it.
DEFAULTS = """
IDF_TARGET="esp32c3" IDF_TARGET_ESP32C3=1 IDF_TARGET_ARCH_RISCV=1 IDF_FIRMWARE_CHIP_ID=0x0005
FREERTOS_HZ=100 FREERTOS_UNICORE=1 FREERTOS_NUMBER_OF_CORES=1 FREERTOS_MAX_TASK_NAME_LEN=16
FREERTOS_IDLE_TASK_STACKSIZE=1536 FREERTOS_QUEUE_REGISTRY_SIZE=0 FREERTOS_THREAD_LOCAL_STORAGE_POINTERS=1
FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES=1 FREERTOS_TIMER_TASK_PRIORITY=1 FREERTOS_TIMER_TASK_STACK_DEPTH=2048
FREERTOS_TIMER_QUEUE_LENGTH=10 FREERTOS_TIMER_SERVICE_TASK_NAME="Tmr" FREERTOS_ISR_STACKSIZE=1536
FREERTOS_CHECK_STACKOVERFLOW_CANARY=1 FREERTOS_SUPPORT_STATIC_ALLOCATION=1 FREERTOS_CORETIMER_SYSTIMER_LVL1=1
ESP_SYSTEM_SINGLE_CORE_MODE=1 SOC_CPU_CORES_NUM=1 LOG_DEFAULT_LEVEL=3 LOG_MAXIMUM_LEVEL=3 LOG_VERSION=1
LOG_TIMESTAMP_SOURCE_RTOS=1 LWIP_SNTP_MAX_SERVERS=1 LWIP_MAX_SOCKETS=10 LWIP_IPV4=1 LWIP_IPV6=1 LWIP_TCP_MSS=1440
LWIP_TCP_SND_BUF_DEFAULT=5760 LWIP_TCP_WND_DEFAULT=5760 LWIP_TCP_RECVMBOX_SIZE=6 LWIP_UDP_RECVMBOX_SIZE=6
LWIP_TCPIP_RECVMBOX_SIZE=32 LWIP_TCPIP_TASK_STACK_SIZE=3072 LWIP_TCPIP_TASK_AFFINITY=0x7FFFFFFF
LWIP_MAX_ACTIVE_TCP=16 LWIP_MAX_LISTENING_TCP=16 LWIP_MAX_UDP_PCBS=16 LWIP_MAX_RAW_PCBS=16 LWIP_TCP_MSL=60000
LWIP_TCP_MAXRTX=12 LWIP_TCP_SYNMAXRTX=12 LWIP_TCP_RTO_TIME=1500 LWIP_TCP_TMR_INTERVAL=250
LWIP_TCP_FIN_WAIT_TIMEOUT=20000 LWIP_SNTP_UPDATE_DELAY=3600000 LWIP_SNTP_STARTUP_DELAY=1
LWIP_SNTP_MAXIMUM_STARTUP_DELAY=5000 LWIP_LOOPBACK_MAX_PBUFS=8 LWIP_IPV6_NUM_ADDRESSES=3 LWIP_DHCPS_LEASE_UNIT=60
LWIP_DHCPS_MAX_STATION_NUM=8 LWIP_DHCP_OPTIONS_LEN=69 LWIP_DHCP_COARSE_TIMER_SECS=1 LWIP_TCP_OOSEQ_TIMEOUT=6
LWIP_TCP_OOSEQ_MAX_PBUFS=4 LWIP_DNS_MAX_HOST_IP=1 LWIP_DNS_MAX_SERVERS=3 LWIP_GARP_TMR_INTERVAL=60
LWIP_MLDV6_TMR_INTERVAL=40 LWIP_NUM_NETIF_CLIENT_DATA=0 LWIP_BRIDGEIF_MAX_PORTS=7 LWIP_IP_REASS_MAX_PBUFS=10
LWIP_IPV6_ND6_NUM_PREFIXES=5 LWIP_IPV6_ND6_NUM_ROUTERS=3 LWIP_IPV6_ND6_NUM_DESTINATIONS=10
ESP_WIFI_ENABLED=1 ESP_WIFI_STATIC_RX_BUFFER_NUM=10 ESP_WIFI_DYNAMIC_RX_BUFFER_NUM=32 ESP_WIFI_TX_BUFFER_TYPE=1
ESP_WIFI_DYNAMIC_TX_BUFFER_NUM=32 ESP_WIFI_DYNAMIC_RX_MGMT_BUF=0 ESP_WIFI_RX_MGMT_BUF_NUM_DEF=5
ESP_WIFI_ESPNOW_MAX_ENCRYPT_NUM=7 ESP_WIFI_MGMT_SBUF_NUM=32 ESP_WIFI_RX_BA_WIN=6 ESP_WIFI_TX_BA_WIN=6
ESP_NETIF_TCPIP_LWIP=1 ESP_NETIF_USES_TCPIP_WITH_BSD_API=1 ESP_TLS_USING_MBEDTLS=1 MMU_PAGE_SIZE=0x10000
LATCHKEY_WIFI_SSID="" LATCHKEY_WIFI_PASSWORD=""
LATCHKEY_DPS="dps.example.com:8883" LATCHKEY_ID_SCOPE="" LATCHKEY_SNTP_SERVER="pool.ntp.org"
LATCHKEY_TELEMETRY_INTERVAL_S=60 LATCHKEY_FACTORY_VERSION="1.0.0"
"""


def sdkconfig():
    """As the vendor's tool writes it: ours, then what is theirs by default."""
    known = {}
    for line in (ROOT / "boards/esp32/sdkconfig.defaults").read_text().splitlines():
        found = re.match(r"CONFIG_(\w+)=(.*)", line)
        if found and found[2] != "n":
            known[found[1]] = "1" if found[2] == "y" else found[2]
    for word in DEFAULTS.split():
        name, value = word.split("=", 1)
        known.setdefault(name, value)
    return "".join(f"#define CONFIG_{name} {value}\n" for name, value in known.items())


def include_folders(idf, mbedtls, mqtt, lwip):
    """What components export for ESP32-C3; what is not in a version is passed over."""
    parts = idf / "components"
    wanted = sorted(parts.glob("*/include")) + [
        parts / "freertos/config/include", parts / "freertos/config/include/freertos", parts / "freertos/config/riscv/include",
        parts / "freertos/FreeRTOS-Kernel/include", parts / "freertos/FreeRTOS-Kernel/portable/riscv/include",
        parts / "freertos/FreeRTOS-Kernel/portable/riscv/include/freertos", parts / "freertos/esp_additions/include",
        parts / "freertos/esp_additions/include/freertos", parts / "soc/esp32c3/include", parts / "soc/esp32c3/register",
        parts / "hal/esp32c3/include", parts / "hal/platform_port/include", parts / "esp_rom/esp32c3/include",
        parts / "esp_rom/esp32c3/include/esp32c3", parts / "esp_hw_support/include/soc", parts / "esp_hw_support/port/esp32c3/include",
        parts / "esp_common/include", parts / "lwip/port/include", parts / "lwip/port/freertos/include",
        parts / "lwip/port/esp32xx/include", parts / "lwip/include/apps", parts / "lwip/include/apps/sntp", lwip / "src/include",
        parts / "newlib/platform_include", parts / "esp_libc/platform_include", parts / "esp-tls",
        parts / "esp-tls/esp-tls-crypto", mqtt / "include", mbedtls / "include", mbedtls / "tf-psa-crypto/include",
        mbedtls / "tf-psa-crypto/drivers/builtin/include", mbedtls / "tf-psa-crypto/drivers/everest/include",
    ] + sorted(parts.glob("esp_hw_support/*/include")) + sorted(parts.glob("esp_hal_*/include")) + sorted(parts.glob("esp_hal_*/esp32c3/include"))
    return [folder for folder in dict.fromkeys(wanted) if folder.is_dir()]


def compiler():
    headers = sorted(pathlib.Path("/usr/include/newlib/c++").glob("*"))
    if not headers:
        sys.exit("esp32_headers.py: the headers of libstdc++-arm-none-eabi-newlib are missing: scripts/setup --boards")
    return ["riscv64-unknown-elf-g++", "-std=gnu++2b", "-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs",
            "-fno-exceptions", "-fno-rtti", "-fsyntax-only", "-w", "-nostdinc++", "-isystem", str(headers[-1]), "-isystem",
            str(headers[-1] / "arm-none-eabi/thumb/v7e-m/nofp"), "-D_GNU_SOURCE", "-DESP_PLATFORM", '-DIDF_VER="x"']


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idf", type=pathlib.Path, required=True, help="a tree of ESP-IDF 5.5 or 6.0")
    for name, place in (("mbedtls", "components/mbedtls/mbedtls"), ("mqtt", "components/mqtt/esp-mqtt"),
                        ("lwip", "components/lwip/lwip")):
        parser.add_argument(f"--{name}", type=pathlib.Path, help=f"by default IDF/{place}")
        parser.set_defaults(**{f"{name}_place": place})
    options = parser.parse_args()
    parts = [getattr(options, name) or options.idf / getattr(options, f"{name}_place") for name in ("mbedtls", "mqtt", "lwip")]
    for folder in (options.idf / "components", *(part for part in parts)):
        if not folder.is_dir() or not any(folder.iterdir()):
            print(f"esp32_headers.py: {folder} is not there, or empty", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "sdkconfig.h").write_text(sdkconfig())
        (folder / "tl").symlink_to("/usr/include/tl")
        words = compiler() + [f"-I{ROOT}", f"-I{folder}"]
        for include in include_folders(options.idf, *parts):
            words += ["-isystem", str(include)]
        return check(words)


def check(words):
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).glob("*.cpp"))]
    failed = 0
    for file in files:
        ran = subprocess.run([*words, str(file)], capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            failed += 1
            print(f"FAILED {file.relative_to(ROOT)}\n{ran.stderr}", file=sys.stderr)
    print(f"{len(files) - failed} of {len(files)} files compile")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
