# shellcheck shell=bash
# PostgreSQL and Redis for the tests: those that TCC_TEST_DATABASE_URL and TCC_TEST_REDIS_URL name, else those
# that run on loopback, else private ones of Debian's packages, in $work and as nobody.

database=${TCC_TEST_DATABASE_URL:-}
unset TCC_TEST_DATABASE_URL # what is not about PostgreSQL runs on SQLite

ended() { # Ends the private ones; those that there were go on.
    local pidfile
    for pidfile in "$work"/redis/redis.pid "$work"/postgresql/postmaster.pid; do
        [ -f "$pidfile" ] && kill -QUIT "$(head -n 1 "$pidfile")"
    done 2>/dev/null
    wait
}

as_nobody() { # PostgreSQL does not run as root.
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
    else
        "$@"
    fi
}

have() { # have PACKAGE FILE...: installs it where no such file is there.
    local package=$1
    shift
    ls "$@" >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq install -y --no-install-recommends "$package"; }
}

folder() { # folder NAME: one of nobody's own, which nobody can reach.
    chmod 711 "$work" && mkdir "$work/$1" && { [ "$(id -u)" != 0 ] || chown nobody:nogroup "$work/$1"; }
}

free_port() {
    python3 -c "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"
}

connects() { # connects URL: whoever it names may make databases there.
    "$bin/python" - "$1" <<'END'
import psycopg, sys
with psycopg.connect(sys.argv[1], connect_timeout=5) as it:
    found = it.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
    sys.exit(not found.fetchone()[0])
END
}

postgresql() {
    [ -z "$database" ] || return 0
    local server=postgres://postgres@127.0.0.1:5432 programs port
    if ! connects "$server/postgres" 2>/dev/null; then
        have postgresql /usr/lib/postgresql/*/bin/initdb || return 1
        programs=$(dirname "$(find /usr/lib/postgresql -name initdb | sort -V | tail -n 1)")
        port=$(free_port)
        folder postgresql &&
            as_nobody "$programs/initdb" -U postgres -A trust -E UTF8 -D "$work/postgresql" >/dev/null &&
            as_nobody "$programs/pg_ctl" start -w -s -D "$work/postgresql" -l "$work/postgresql/log" \
                -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" || return 1
        server=postgres://postgres@127.0.0.1:$port
    fi
    connects "$server/postgres" || return 1
    database=$server/tcc_ci_$$ # the tests make another one of this name, and drop it
    echo "$database"
}

pings() { # pings PORT: whether a Redis answers there, within 5 seconds.
    local answer
    for _ in {1..50}; do
        { exec 3<>"/dev/tcp/127.0.0.1/$1" && echo PING >&3 && read -r -t 2 answer <&3; } 2>/dev/null
        exec 3<&- 3>&-
        [[ ${answer:-} == +PONG* ]] && return 0
        [ "${2:-}" = once ] && return 1
        sleep 0.1
    done
    return 1
}

redis() {
    [ -z "${TCC_TEST_REDIS_URL:-}" ] || return 0
    local port=6379
    if ! pings "$port" once; then
        have redis-server /usr/bin/redis-server || return 1
        port=$(free_port)
        folder redis
        (cd "$work/redis" && as_nobody redis-server --port "$port" --bind 127.0.0.1 --save '' \
            --daemonize yes --pidfile "$work/redis/redis.pid" >/dev/null)
    fi
    export TCC_TEST_REDIS_URL=redis://127.0.0.1:$port/9
    echo "$TCC_TEST_REDIS_URL" && pings "$port"
}
