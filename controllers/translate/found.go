package translate

import (
	"cmp"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// findRotation answers where the generated secret stands, by what the Secret holds, what the document lists and what the operator remembers.
func findRotation(in ClientInput) *rotation {
	r := &rotation{in: in, live: previousCredentials(in)}
	r.findNext()
	r.findShown()
	r.takeUpNext()
	if in.Previous == nil {
		r.restoreFormer()
	}
	return r
}

// held answers what the Secret holds under the key; empty when it holds nothing, or there is none.
func (r *rotation) held(key string) string {
	if r.in.Secret == nil {
		return ""
	}
	return string(r.in.Secret.Data[key])
}

// findNext looks for a secret that waits to be shown. The document lists it first, or does not know it yet.
func (r *rotation) findNext() {
	text := r.held(v1alpha1.KeyNextClientSecret)
	known := r.live.knows(text) && !r.live.isCurrent(text)
	if adoptablePattern.MatchString(text) && !known && text != r.held(v1alpha1.KeyClientSecret) {
		r.wait(text)
	}
}

// findShown looks for the secret that people go by: what the Secret shows, else what it has shown last.
func (r *rotation) findShown() {
	text := r.held(v1alpha1.KeyClientSecret)
	usable := adoptablePattern.MatchString(text) || r.live.knows(text)
	if !usable {
		text = r.in.Remembered.Reveal()
	}
	switch {
	case r.isInUse(text):
		r.shown = text
	case r.live.isBehindCurrent(text) && (!usable || r.showedLast()):
		// The first one of the document waited to be shown, and is lost: nobody has ever seen it.
		r.shown, r.lostNext = text, true
		r.live.live = r.live.live[1:]
	case usable:
		r.takeOver(text)
	}
	if r.shown != "" && !usable {
		r.restored = fmt.Sprintf("client_secret in Secret %q is back as it was", r.in.Client.Spec.Credentials.SecretName)
	}
}

// isInUse says whether the document lists the text as the secret that people go by: the first one, or the one behind it while the first waits to be shown.
func (r *rotation) isInUse(text string) bool {
	if r.live.isCurrent(r.next) {
		return r.live.isBehindCurrent(text)
	}
	return r.live.isCurrent(text)
}

// showedLast says whether the operator wrote the Secret when the second one of the document was the one to show. It tells a waiting secret that was lost
// from a former one that somebody put back.
func (r *rotation) showedLast() bool {
	at, err := time.Parse(time.RFC3339, r.in.Secret.Annotations[v1alpha1.AnnotationSecretCreated])
	return err == nil && at.Equal(r.live.live[1].CreatedAt)
}

// takeOver makes a secret that somebody else put into the Secret the current one, at once: it is there for people to read. One that waited to be shown
// gives way to it.
func (r *rotation) takeOver(text string) {
	r.shown, r.tookOver = text, true
	r.issued = adopted
	if r.in.Previous == nil {
		r.issued = "The client_secret that the Secret held was taken over"
	} else {
		if r.live.isCurrent(r.next) {
			r.live.live = r.live.live[1:]
		}
		r.wait("")
	}
	r.live.use(text)
}

// takeUpNext lists a secret that waits to be shown and that the document does not know: the operator was stopped between the two writes.
func (r *rotation) takeUpNext() {
	if r.next == "" || r.live.isCurrent(r.next) {
		return
	}
	r.wait("") // a reason to make it is looked for as if it was not there
	text := r.held(v1alpha1.KeyNextClientSecret)
	r.issued = cmp.Or(r.issued, r.dueReason(), "A new secret was made: client_secret_next in the Secret holds it")
	r.live.use(text)
	r.wait(text)
}

// restoreFormer keeps the former secret that the Secret shows: it was promised some time, and the document that knew how much is lost.
func (r *rotation) restoreFormer() {
	text := r.held(v1alpha1.KeyPreviousClientSecret)
	if adoptablePattern.MatchString(text) && !r.live.knows(text) {
		r.live.live = append(r.live.live, r.live.add(text))
	}
}
