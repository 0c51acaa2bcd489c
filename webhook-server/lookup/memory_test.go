package lookup

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

func keyOf(gateway, url string) key { return key{gateway, sha256.Sum256([]byte(url))} }

func TestMemoryForgetsWhatWasSetFirst(t *testing.T) {
	m := newMemory(3)
	at := time.Unix(0, 0)
	for _, url := range []string{"a", "b", "c", "a", "d"} { // a is set anew, so b is the oldest
		m.set(keyOf("g", url), at)
	}
	for url, kept := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if _, ok := m.get(keyOf("g", url)); ok != kept {
			t.Errorf("%s kept: %t", url, ok)
		}
	}
	if n := m.byGateway["g"].Len(); n != 3 || len(m.byKey) != 3 {
		t.Errorf("%d and %d entries", n, len(m.byKey))
	}
}

func TestAGatewayThatFillsAMemoryLosesItsOwnEntriesOnly(t *testing.T) {
	m := newMemory(100)
	at := time.Unix(0, 0)
	for i := range 20 {
		m.set(keyOf("quiet", fmt.Sprint(i)), at)
	}
	for i := range 10_000 {
		m.set(keyOf("loud", fmt.Sprint(i)), at)
	}
	for i := range 20 {
		if _, ok := m.get(keyOf("quiet", fmt.Sprint(i))); !ok {
			t.Errorf("entry %d of the quiet gateway is forgotten", i)
		}
	}
	if _, ok := m.get(keyOf("loud", "9999")); !ok || len(m.byKey) != 100 {
		t.Errorf("%d entries, the newest one kept: %t", len(m.byKey), ok)
	}
	for i := range 20 {
		m.delete(keyOf("quiet", fmt.Sprint(i)))
	}
	if len(m.byGateway) != 1 || len(m.byKey) != 80 {
		t.Errorf("%d gateways and %d entries are left", len(m.byGateway), len(m.byKey))
	}
	for k := range m.byKey {
		m.delete(k)
	}
	for i := range 150 { // the gateway that lost last has nothing to lose any more
		m.set(keyOf(fmt.Sprint("new", i%3), fmt.Sprint(i)), at)
	}
	if len(m.byKey) != 100 || len(m.byGateway) != 3 {
		t.Errorf("%d entries of %d gateways", len(m.byKey), len(m.byGateway))
	}
}
