package history_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/history"
)

func attempt(number int) store.Attempt {
	reasons := []string{"", "timeout", "server_error", "ünïcode"}
	return store.Attempt{
		EndedAt: time.UnixMilli(1_795_340_000_000 + int64(number)*1000).UTC(), Took: time.Duration(number) * time.Millisecond,
		Reason: reasons[number%len(reasons)], Status: number % 600,
	}
}

func TestAttemptsComeBackInOrder(t *testing.T) {
	var encoded []byte
	var want []store.Attempt
	for i := range store.MaxHistory {
		encoded = history.Append(encoded, attempt(i))
		want = append(want, attempt(i))
		got, err := history.Decode(encoded)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("after %d: %v, %v", i+1, got, err)
		}
	}
}

func TestOnlyTheNewestAttemptsAreKept(t *testing.T) {
	var encoded []byte
	const made = 3 * store.MaxHistory
	for i := range made {
		encoded = history.Append(encoded, attempt(i))
	}
	got, err := history.Decode(encoded)
	if err != nil || len(got) != store.MaxHistory || got[0] != attempt(made-store.MaxHistory) || got[store.MaxHistory-1] != attempt(made-1) {
		t.Errorf("%d attempts, %v: %v", len(got), err, got)
	}
}

func TestFractionsOfAMillisecondAndNegativesAreDropped(t *testing.T) {
	given := store.Attempt{EndedAt: time.UnixMilli(-5).Add(300 * time.Microsecond), Took: -time.Second, Status: -1, Reason: "x"}
	got, err := history.Decode(history.Append(nil, given))
	if want := (store.Attempt{EndedAt: time.UnixMilli(-5).UTC(), Reason: "x"}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%v, %v", got, err)
	}
}

func TestNoBytesAreNoAttempts(t *testing.T) {
	if got, err := history.Decode(nil); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMalformedBytesAreRefusedAndBegunAnew(t *testing.T) {
	whole := history.Append(nil, attempt(1))
	for name, encoded := range map[string][]byte{
		"another version":           append([]byte{99}, whole[1:]...),
		"an attempt cut off":        whole[:len(whole)-1],
		"a reason without an end":   {1, 0, 0, 0, 200},
		"a number too long":         append([]byte{1}, slices.Repeat([]byte{0xff}, 11)...),
		"a status beyond all bound": {1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0},
	} {
		if _, err := history.Decode(encoded); !errors.Is(err, history.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		got, err := history.Decode(history.Append(encoded, attempt(2)))
		if err != nil || len(got) != 1 || got[0] != attempt(2) {
			t.Errorf("%s, begun anew: %v, %v", name, got, err)
		}
	}
}

// FuzzDecode holds that whatever is read is written again the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(history.Append(nil, attempt(3)))
	f.Add(history.Append(history.Append(nil, attempt(1)), attempt(2)))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		attempts, err := history.Decode(encoded)
		if err != nil {
			return
		}
		var again []byte
		for _, a := range attempts {
			again = history.Append(again, a)
		}
		got, err := history.Decode(again)
		if err != nil || !slices.Equal(got, attempts) {
			t.Fatalf("%v became %v, %v", attempts, got, err)
		}
	})
}
