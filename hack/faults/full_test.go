package faults

import "testing"

// PostgreSQL says by its error code 53100 that it has no room. The test has it say so for new rows, so that it needs no file system of its own.
func TestTheDiskOfPostgreSQLIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newPostgreSQL(t), 0)
	s := w.start()
	w.storage.exec(t, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$`)
	d1 := w.call(outageCallers)
	for _, operations := range []string{"INSERT", "INSERT OR UPDATE"} {
		enough := w.backend.hold(1)
		w.await("something waits to be delivered", enough, s)
		w.await("and much more is accepted", w.ledger.acknowledgedAgain(200), s)
		w.wantOnlyRefusals(d1, "full disk", func() {
			w.storage.exec(t, "CREATE TRIGGER full_disk BEFORE "+operations+" ON notification FOR EACH STATEMENT EXECUTE FUNCTION full_disk()")
		}, s)
		w.backend.release()
		if operations == "INSERT" {
			w.await("what has been accepted is delivered though there is no room for more", w.ledger.complete(), s)
		}
		w.storage.exec(t, "DROP TRIGGER full_disk ON notification")
		w.wantRecovery("full disk", s)
	}
	w.wantAllDelivered(d1, s)
}
