package admin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"time"
)

const (
	// keepCaller is how long a token is taken for its caller's without asking again: so long does one live on that has been revoked.
	keepCaller = 30 * time.Second
	// keepStranger is the same for a token that is nobody's.
	keepStranger = 10 * time.Second
	// keepRight and keepNoRight are how long an answer about a right counts.
	keepRight, keepNoRight = 30 * time.Second, 5 * time.Second
	// remembered is how many answers of each kind each of two generations holds.
	remembered = 2048
	// reviewTimeout bounds a question to the Access, and maxReviews how many are under way at once.
	reviewTimeout = 5 * time.Second
	maxReviews    = 16
)

type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }

// rememberedAccess asks an Access, and does not ask the same again for a while. A failure to find out is not remembered.
type rememberedAccess struct {
	of      Access
	now     func() time.Time
	reviews chan struct{}

	// Yes and no are kept apart, so that a flood of wrong tokens displaces no right one.
	callers, strangers, rights, noRights *answers
}

func remember(of Access, now func() time.Time) *rememberedAccess {
	return &rememberedAccess{
		of: of, now: now, reviews: make(chan struct{}, maxReviews),
		callers: newAnswers(remembered), strangers: newAnswers(remembered), rights: newAnswers(remembered), noRights: newAnswers(remembered),
	}
}

// known answers whose token it is when that is remembered.
func (m *rememberedAccess) known(d digest) (Caller, bool) { return m.callers.get(d, m.now()) }

// authenticate asks whose token it is, unless it is remembered to be nobody's.
func (m *rememberedAccess) authenticate(ctx context.Context, token string, d digest) (Caller, error) {
	if _, ok := m.strangers.get(d, m.now()); ok {
		return Caller{}, ErrUnauthenticated
	}
	var caller Caller
	err := m.ask(ctx, func(ctx context.Context) (err error) {
		caller, err = m.of.Authenticate(ctx, token)
		return err
	})
	switch now := m.now(); {
	case err == nil:
		caller.trusted = false
		m.callers.put(d, caller, now.Add(keepCaller))
	case errors.Is(err, ErrUnauthenticated):
		m.strangers.put(d, Caller{}, now.Add(keepStranger))
	}
	return caller, err
}

func (m *rememberedAccess) authorize(ctx context.Context, c Caller, a Action) error {
	question, err := json.Marshal([]any{c.Name, c.UID, c.Groups, c.Extra, a})
	if err != nil {
		return err
	}
	d := digest(sha256.Sum256(question))
	now := m.now()
	if _, ok := m.rights.get(d, now); ok {
		return nil
	}
	if _, ok := m.noRights.get(d, now); ok {
		return ErrForbidden
	}
	err = m.ask(ctx, func(ctx context.Context) error { return m.of.Authorize(ctx, c, a) })
	switch now := m.now(); {
	case err == nil:
		m.rights.put(d, Caller{}, now.Add(keepRight))
	case errors.Is(err, ErrForbidden):
		m.noRights.put(d, Caller{}, now.Add(keepNoRight))
	}
	return err
}

// ask asks one of few questions at once, and not for long.
func (m *rememberedAccess) ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	select {
	case m.reviews <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.reviews }()
	return question(ctx)
}

// answers remembers by digest, until a time, in two generations.
type answers struct {
	size int

	mu             sync.Mutex
	younger, older map[digest]remembrance
}

type remembrance struct {
	caller Caller
	until  time.Time
}

func newAnswers(size int) *answers { return &answers{size: size, younger: map[digest]remembrance{}} }

func (a *answers) get(d digest, now time.Time) (Caller, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.younger[d]
	if !ok {
		r, ok = a.older[d]
	}
	return r.caller, ok && now.Before(r.until)
}

func (a *answers) put(d digest, c Caller, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.younger) >= a.size {
		a.older, a.younger = a.younger, make(map[digest]remembrance)
	}
	a.younger[d] = remembrance{c, until}
}
