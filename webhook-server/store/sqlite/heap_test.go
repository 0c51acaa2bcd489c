package sqlite

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAHeapGivesBackInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- the same numbers each time
	var h heap[waiting]
	var want, got []int64
	for seq := range int64(20_000) {
		due := random.Int64N(5_000)
		h.push(waiting{due: due, seq: seq})
		want = append(want, due<<32|seq)
	}
	slices.Sort(want)
	for len(h) > 0 {
		w := h.pop()
		got = append(got, w.due<<32|w.seq)
	}
	if !slices.Equal(got, want) {
		t.Error("not in order of due instant and then of sequence")
	}
	if cap(h) > 2048 {
		t.Errorf("an empty heap keeps room for %d", cap(h))
	}
}
