package translate_test

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// view is a pair of documents that servers may have read, until is when the last server learns of the next one.
type view struct {
	lifetime time.Duration
	keys     []serving.SigningKey // in the order they sign
	until    time.Time            // zero for the present view
}

// issue lets servers whose clocks differ issue tokens between two instants. What counts is the last token of each key.
func (w *walk) issue(v view, from, to time.Time) {
	for _, ahead := range []time.Duration{-clocksDiffer, 0, clocksDiffer} {
		instants := []time.Time{from, to}
		for _, k := range v.keys {
			if at := k.SignsFrom.Add(-ahead - time.Second); at.After(from) && at.Before(to) {
				instants = append(instants, at)
			}
		}
		for _, at := range instants {
			signer := v.keys[0]
			for _, k := range v.keys {
				if !k.SignsFrom.After(at.Add(ahead)) {
					signer = k
				}
			}
			w.issued(signer.ID, at, ahead, v.lifetime)
		}
	}
}

func (w *walk) issued(id string, at time.Time, ahead, lifetime time.Duration) {
	if w.withdrawn(id) {
		return
	}
	for _, v := range w.views {
		known := slices.ContainsFunc(v.keys, func(k serving.SigningKey) bool { return k.ID == id })
		learned := !v.until.IsZero() && !at.Before(v.until)
		if !known && !learned && !w.hurried[id] {
			w.fail("key %s signs at %s when a server does not know it", id, at.Format(time.DateTime))
		}
	}
	// The verifier's clock may be behind, and it accepts a token for as long again after its time.
	if until := at.Add(ahead + lifetime + 2*clocksDiffer - 1); until.After(w.tokens[id]) {
		w.tokens[id] = until
	}
}

// serve begins a view, and holds it to the tokens that are out.
func (w *walk) serve(document *serving.Gateway) {
	if missing := document.Missing(w.secrets); missing != "" {
		w.fail("%s is missing", missing)
	}
	v := view{lifetime: time.Duration(document.AccessTokenSeconds) * time.Second}
	for _, k := range w.secrets.SigningKeys {
		if slices.Contains(document.SigningKeys, k.ID) {
			v.keys = append(v.keys, k)
		}
	}
	for i := range w.views {
		if w.views[i].until.IsZero() {
			w.views[i].until = w.now.Add(serversLearnWithin)
		}
	}
	w.views = append([]view{v}, w.views...)
	for id, until := range w.tokens {
		if !slices.Contains(document.SigningKeys, id) && until.After(w.now) && !w.withdrawn(id) {
			w.fail("key %s is gone, and its tokens live until %s", id, until.Format(time.DateTime))
		}
	}
}

// hurry remembers which keys sign at once: the first one, and the one that takes the place of a withdrawn key.
func (w *walk) hurry(out translate.GatewayOutput) {
	if w.document != nil && !slices.ContainsFunc(w.document.SigningKeys, w.withdrawn) {
		return
	}
	for _, k := range out.Secrets.SigningKeys {
		if k.SignsFrom.Equal(w.now) {
			w.hurried[k.ID] = true
		}
	}
}

// lead checks how long a new key is published before it signs.
func (w *walk) lead(out translate.GatewayOutput) {
	for _, k := range out.Secrets.SigningKeys {
		if !slices.Contains(out.Document.SigningKeys, k.ID) {
			continue
		}
		if w.withdrawn(k.ID) {
			w.fail("the withdrawn key %s is in the document", k.ID)
		}
		if _, known := w.published[k.ID]; known {
			continue
		}
		w.published[k.ID] = w.now
		if k.SignsFrom.Before(w.now.Add(shortestLead)) && !w.hurried[k.ID] {
			w.fail("key %s is published %s before it signs", k.ID, k.SignsFrom.Sub(w.now))
		}
	}
}
