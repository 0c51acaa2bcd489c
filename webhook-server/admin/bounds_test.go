package admin_test

import (
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
)

func TestWhatIsRememberedIsBounded(t *testing.T) {
	if held, newest := admin.RememberedAnswers(100, 10_000); held > 200 || !newest {
		t.Errorf("%d answers are held; the newest: %v", held, newest)
	}
	if held := admin.RememberedFailures(100, 10_000); held > 200 {
		t.Errorf("%d sources are held", held)
	}
}

func TestAnIPv6HostIsCountedByItsNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:5": "192.0.2.7", "[::ffff:192.0.2.7]:5": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:5": "2001:db8:1:2::", "[fe80::1%eth0]:5": "fe80::", "@": "invalid IP",
	} {
		if got := admin.Source(remote).String(); got != want {
			t.Errorf("%s is counted as %s", remote, got)
		}
	}
}
