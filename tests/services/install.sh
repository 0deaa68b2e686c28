#!/bin/sh
# Installs the real servers and clients that the tests use (Debian or Ubuntu, as root or with sudo), starting none.
# Where it may not, it says what will be skipped and goes on: pytest then counts the skipped tests loudly.
PACKAGES="influxdb mosquitto mosquitto-clients victoria-metrics nut-server nut-client nut-snmp nut-modbus libmodbus5 mbpoll postgresql snmp snmpd snmptrapd chromium fonts-noto-cjk poppler-utils dovecot-imapd python3-aiosmtpd request-tracker5 rt5-db-sqlite rt5-standalone redmine redmine-sqlite ruby-sqlite3 puma"
missing=""
for package in $PACKAGES; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "!! No apt-get here: tests that need these Debian packages will be skipped:$missing" >&2
    exit 0
fi
if [ "$(id -u)" = 0 ]; then SUDO=""; elif sudo -n true 2>/dev/null; then SUDO="sudo"; else
    echo "!! Not root and no sudo: tests that need these Debian packages will be skipped:$missing" >&2
    exit 0
fi
echo "Installing for the tests:$missing"
# policy-rc.d keeps the packages from starting daemons of their own: the tests start theirs on free ports.
made=""
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | $SUDO tee /usr/sbin/policy-rc.d >/dev/null && $SUDO chmod 755 /usr/sbin/policy-rc.d && made=1
fi
# The tests make PostgreSQL clusters of their own; Debian shall not make one for the machine.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    $SUDO mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" | $SUDO tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
# The ticket systems are asked no questions and get no database of their own: the tests make theirs in a folder.
printf '%s\n' 'request-tracker5 request-tracker5/dbconfig-install boolean false' \
    'request-tracker5 request-tracker5/install-cronjobs boolean false' \
    'redmine redmine/instances/default/dbconfig-install boolean false' | $SUDO debconf-set-selections 2>/dev/null
log=$(mktemp)
install() { $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1 </dev/null; }
install || { $SUDO apt-get update -q >/dev/null 2>&1 && install; } || {
    # One package that this system does not have must not cost the others.
    wanted=$missing
    lost=""
    for missing in $wanted; do install || lost="$lost $missing"; done
    tail -5 "$log" >&2
    [ -z "$lost" ] || echo "!! Could not install:$lost; their tests will be skipped" >&2
}
[ -n "$made" ] && $SUDO rm -f /usr/sbin/policy-rc.d
rm -f "$log"
exit 0
