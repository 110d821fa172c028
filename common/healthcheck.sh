#!/bin/sh
# Health check of a container. Copied into the images as /app/bin/check-health.
#
#   check-health PAUSE heartbeat SECONDS     the heartbeat file of the process is at most that old
#   check-health PAUSE ready TOKEN_FILE      the gateway answers that database and Redis answer
#
# Until the first success, the engine repeats the check at its interval, so that other services start soon. After that,
# the check begins with a pause (of `sleep`), because starting it costs more than the check itself. A device pauses for
# ever: no check disturbs a measurement, and the gateway knows whether the device is online.
checked=/tmp/checked
[ -e "$checked" ] && sleep "$1"
case $2 in
  heartbeat) [ -n "$(find "$EDGEPRESS_HEARTBEAT_FILE" -newermt "-$3 seconds" 2>/dev/null)" ] ;;
  ready)
    python3 -I -S -c '
import http.client, os, sys
if os.environ.get("EDGEPRESS_TLS_CERTIFICATE"):
    import ssl
    gateway = http.client.HTTPSConnection("127.0.0.1", 8000, timeout=10, context=ssl._create_unverified_context())
else:
    gateway = http.client.HTTPConnection("127.0.0.1", 8000, timeout=10)
gateway.request("GET", "/health/ready", headers={"Authorization": "Bearer " + open(sys.argv[1]).read()})
sys.exit(gateway.getresponse().status != 200)
' "$3" ;;
  *) false ;;
esac || { rm -f "$checked"; exit 1; }
touch "$checked"
