//! Wordings of applications: pages of a form, drafts: key, German, English.

pub(super) const WORDS: &[(&str, &str, &str)] = &[
    // --- pages of a form
    ("step", "Schritt", "Step"),
    ("step_of", "von", "of"),
    ("steps_heading", "Alle Schritte", "All steps"),
    ("progress_done", "erledigt", "done"),
    ("progress_here", "hier sind Sie", "you are here"),
    ("progress_unfinished", "noch nicht vollständig", "not complete yet"),
    ("progress_open", "noch offen", "still to do"),
    ("next", "Weiter", "Continue"),
    ("back", "Zurück", "Back"),
    ("back_to_summary", "Zurück zur Zusammenfassung", "Back to the summary"),
    // --- filled in by somebody of the house
    ("not_started_yet", "Es wird noch kein Vorgang begonnen.", "No case is begun yet."),
    (
        "review_intro_house",
        "Bitte prüfen Sie die Angaben. Erst mit „Vorgang starten“ beginnt der Vorgang.",
        "Please check the details. The case begins only once you choose “Start the case”.",
    ),
    // --- conditions
    ("if_applicable", "nur, wenn es zutrifft", "only if it applies"),
    (
        "new_questions",
        "Durch Ihre Angaben sind hier weitere Fragen dazugekommen. Bitte beantworten Sie auch diese.",
        "Your answers have brought up further questions here. Please answer these, too.",
    ),
    (
        "missing_because",
        "Wegen Ihrer anderen Angaben brauchen wir das auch. Bitte ausfüllen.",
        "Because of your other answers we need this, too. Please fill in.",
    ),
    // --- lists
    ("entry_add", "hinzufügen", "– add"),
    ("entry_remove", "Entfernen", "Remove"),
    ("entry_done", "Übernehmen", "Save this entry"),
    ("entry_unfinished", "Hier fehlen noch Angaben, oder sie stimmen noch nicht.", "Some entries are missing here or not right yet."),
    ("entries_none", "Noch nichts eingetragen.", "Nothing entered yet."),
    ("entries_full", "Mehr lässt sich hier nicht eintragen. Höchstens", "No more can be entered here. At most"),
    ("list_one_missing", "Bitte tragen Sie hier mindestens einen Eintrag ein.", "Please add at least one entry here."),
    ("list_missing", "Bitte tragen Sie hier mindestens {min} Einträge ein.", "Please add at least {min} entries here."),
    // --- amounts
    ("money_none", "Bitte geben Sie einen Betrag in Euro an, zum Beispiel 620,00.", "Please give an amount in euro, for example 620.00."),
    (
        "money_ambiguous",
        "Dieser Betrag lässt sich auf zwei Arten lesen. Bitte schreiben Sie die Cent dazu, zum Beispiel 1.234,00, oder schreiben Sie ihn ohne Punkt, Komma und Leerzeichen, zum Beispiel 1234.",
        "This amount can be read in two ways. Please add the cents, for example 1,234.00, or write it without point, comma and blanks, for example 1234.",
    ),
    (
        "money_fine",
        "Bitte geben Sie den Betrag mit höchstens zwei Stellen für die Cent an, zum Beispiel 620,50.",
        "Please give the amount with at most two digits for the cents, for example 620.50.",
    ),
    ("money_large", "Dieser Betrag ist zu groß. Bitte prüfen Sie ihn.", "This amount is too large. Please check it."),
    // --- drafts
    ("draft_save", "Speichern und später weitermachen", "Save and continue later"),
    ("draft_resume", "Sie haben schon angefangen? Mit Ihrem Code weitermachen", "Already begun? Continue with your code"),
    ("draft_saved", "Ihr Entwurf ist gespeichert", "Your draft is saved"),
    ("draft_code", "Ihr Code", "Your code"),
    ("draft_code_hint", "24 Buchstaben und Ziffern. Groß oder klein und die Striche sind egal.", "24 letters and digits. Case and dashes do not matter."),
    (
        "draft_keep",
        "Schreiben Sie den Code auf. Nur mit ihm kommen Sie zu Ihrem Entwurf zurück, auch von einem anderen Gerät. Wir kennen ihn nicht und können ihn nicht ersetzen. Geben Sie ihn niemandem, der Ihre Angaben nicht lesen soll.",
        "Write the code down. Only with it you get back to your draft, from another device, too. We do not know it and cannot replace it. Give it to nobody who should not read your details.",
    ),
    ("draft_spell", "Der Code zum Vorlesen", "The code to be read out (German)"),
    ("draft_where", "Hier geht es weiter", "Continue here"),
    ("draft_until", "Aufgehoben bis", "Kept until"),
    (
        "draft_not_sent",
        "Ihr Antrag ist noch nicht gestellt. Fristen wahrt erst das Absenden. Danach, oder wenn Sie ihn löschen, ist der Entwurf weg.",
        "Your application is not made yet. Only sending it keeps to a deadline. After that, or when you delete it, the draft is gone.",
    ),
    ("draft_go_on", "Jetzt weiter ausfüllen", "Go on filling in now"),
    ("draft_delete", "Entwurf löschen", "Delete the draft"),
    ("draft_elsewhere", "Ihr Entwurf wurde anderswo geändert", "Your draft was changed elsewhere"),
    (
        "draft_elsewhere_text",
        "Unter Ihrem Code steht inzwischen eine andere Fassung, vielleicht von Ihnen selbst an einem anderen Gerät. Wir haben noch nichts gespeichert: Die andere Fassung ist unverändert da, und was Sie hier eingegeben haben, auch.",
        "Under your code stands another version by now, perhaps your own from another device. We have not saved anything yet: the other version is there unchanged, and so is what you entered here.",
    ),
    ("draft_apart", "Als zweiten Entwurf speichern", "Save as a second draft"),
    ("draft_apart_text", "Beides bleibt: Sie bekommen für diese Fassung einen neuen Code.", "Both stay: you get a new code for this version."),
    ("draft_over", "Andere Fassung ersetzen", "Replace the other version"),
    ("draft_over_text", "Nur diese Fassung bleibt. Die andere ist dann verloren.", "Only this version stays. The other one is lost then."),
    ("draft_unsaved", "Ohne Speichern weiter", "Go on without saving"),
    (
        "draft_unsaved_text",
        "Beides bleibt, was Sie hier eingegeben haben aber nur in diesem Fenster.",
        "Both stay, but what you entered here only in this window.",
    ),
    ("draft_open_heading", "Mit einem Entwurf weitermachen", "Continue with a draft"),
    ("draft_open_intro", "Geben Sie den Code ein, den Sie beim Speichern bekommen haben.", "Enter the code you were given when you saved."),
    ("draft_open", "Entwurf öffnen", "Open the draft"),
    (
        "draft_wrong",
        "Zu diesem Code gibt es hier keinen Entwurf. Vielleicht ist er vertippt, gelöscht, schon abgesendet oder älter als 30 Tage.",
        "There is no draft for this code here. It may be mistyped, deleted, sent already or older than 30 days.",
    ),
    ("draft_deleted", "Der Entwurf ist gelöscht.", "The draft is deleted."),
    ("draft_begin_anew", "Neu anfangen", "Begin anew"),
    ("draft_opened", "Ihr Entwurf ist geöffnet. Hier haben Sie aufgehört.", "Your draft is open. This is where you stopped."),
    (
        "draft_changed",
        "Ihr Entwurf ist geöffnet. Das Formular hat sich seither geändert: Was noch passt, ist eingetragen. Bitte prüfen Sie alles noch einmal.",
        "Your draft is open. The form has changed since: what still fits is filled in. Please check everything once more.",
    ),
    (
        "draft_full",
        "Wir können gerade keine weiteren Entwürfe speichern. Ihre Angaben stehen noch hier. Bitte versuchen Sie es später noch einmal oder senden Sie den Antrag ab.",
        "We cannot save further drafts now. Your details are still here. Please try again later or send the application.",
    ),
    (
        "draft_enough",
        "Aus Ihrem Netz sind heute schon sehr viele oder sehr große Entwürfe gespeichert worden. Diesen können wir erst später speichern. Ihre Angaben stehen noch hier. Bitte versuchen Sie es in einigen Stunden noch einmal oder senden Sie den Antrag ab.",
        "Very many or very large drafts were saved from your network today. We can save this one only later. Your details are still here. Please try again in some hours or send the application.",
    ),
    (
        "sent_before",
        "Mit diesem Formular ist schon ein Antrag abgesendet worden, mit anderen Angaben oder von jemand anderem. Was Sie hier sehen, ist noch nicht bei uns: Senden Sie es ab, ist es ein weiterer Antrag.",
        "An application was sent with this form already, with other details or by somebody else. What you see here has not reached us yet: if you send it, it is another application.",
    ),
    (
        "send_later",
        "Ihr Antrag konnte gerade nicht angenommen werden und ist noch nicht bei uns. Ihre Angaben stehen noch hier. Bitte senden Sie ihn in {} noch einmal ab.",
        "Your application could not be taken now and has not reached us yet. Your details are still here. Please send it once more in {}.",
    ),
    ("send_later_some", "einigen Minuten", "a few minutes"),
    (
        "sent_with_this_sign_in",
        "Mit dieser Anmeldung ist schon ein Antrag abgesendet worden; eine Anmeldung gilt für einen Antrag. Was Sie jetzt abgesendet haben, ist noch nicht bei uns. Ihre Eingaben stehen noch auf dieser Seite: Schließen Sie sie nicht.",
        "An application was sent with this sign-in already; one sign-in is good for one application. What you have sent now has not reached us yet. What you entered is still on this page: do not close it.",
    ),
    (
        "first_application",
        "Wollten Sie nur einen Antrag stellen? Der erste ist bei uns:",
        "Did you want to make one application only? The first one is with us:",
    ),
    ("first_application_link", "Zum Stand des ersten Antrags (öffnet ein neues Fenster)", "To the status of the first application (opens a new window)"),
    (
        "expired_again_later",
        "Möchten Sie einen weiteren Antrag stellen, melden Sie sich in einem neuen Fenster noch einmal an:",
        "If you want to make another application, sign in once more in a new window:",
    ),
    (
        "draft_too_large",
        "Ihre Dateien sind zusammen größer als 48 MB. So viel können wir nicht als Entwurf speichern. Ihre Angaben stehen noch hier.",
        "Your files are larger than 48 MB in all. We cannot save that much as a draft. Your details are still here.",
    ),
    (
        "draft_discarded",
        "Der gespeicherte Entwurf ist gelöscht. Was Sie eingetragen haben, steht noch hier, bis Sie diese Seite verlassen.",
        "The saved draft is deleted. What you entered is still here until you leave this page.",
    ),
    // --- too much at once
    ("form_too_large", "Das ist zu viel auf einmal", "This is too much at once"),
    (
        "form_too_large_text",
        "Auf einmal können wir höchstens {} annehmen, alle Dateien zusammen. Von dem, was Sie eben abgeschickt haben, ist nichts bei uns angekommen.",
        "We can take at most {} at once, all files together. Nothing of what you have just sent has reached us.",
    ),
    (
        "form_too_large_advice",
        "Gehen Sie im Browser zurück. Wählen Sie kleinere Dateien, oder weniger auf einmal. Hat das Formular mehrere Seiten, geht es auch einzeln: eine Datei auswählen, „Weiter“, dann zurück zu dieser Seite und die nächste auswählen. Was auf früheren Seiten stand, geht mit Ihnen zurück. Was Sie auf der letzten Seite eingetragen hatten, steht meist noch da, sicher ist das nicht; die Dateien müssen Sie dort noch einmal auswählen.",
        "Go back in the browser. Choose smaller files, or fewer at once. Where the form has several pages you can also do it one by one: choose one file, “Continue”, then go back to this page and choose the next. What stood on earlier pages goes back with you. What you had entered on the last page is usually still there, but that is not certain; you have to choose the files there once more.",
    ),
    ("form_too_much", "Von hier kam gerade sehr viel", "A great deal came from here just now"),
    (
        "form_too_much_text",
        "Aus Ihrem Netz kamen in der letzten Stunde so viele Daten, dass wir gerade keine weiteren annehmen. Von dem, was Sie eben abgeschickt haben, ist nichts bei uns angekommen.",
        "So much data came from your network within the last hour that we take no more just now. Nothing of this sending has reached us.",
    ),
    (
        "form_too_much_advice",
        "Bitte versuchen Sie es in {} noch einmal. Gehen Sie dazu im Browser zurück: Was Sie eingetragen hatten, steht meist noch da; Dateien müssen Sie noch einmal auswählen.",
        "Please try again in {}. To do so go back in the browser: what you had entered is usually still there; you have to choose files once more.",
    ),
    // --- files
    ("file_each", "je Datei", "each"),
    ("file_several", "Anzahl der Dateien: höchstens", "Number of files: at most"),
    ("file_full", "Es ist keine weitere Datei möglich.", "No further file is possible."),
    (
        "file_wrong_kind",
        "„{name}“ ist keine Datei, die wir hier annehmen. Möglich sind: {kinds}. Entscheidend ist der Inhalt der Datei, nicht ihr Name.",
        "\"{name}\" is not a file we accept here. Possible: {kinds}. What counts is the content of the file, not its name.",
    ),
    (
        "file_too_large",
        "„{name}“ ist zu groß ({size}). Höchstens {max} je Datei sind möglich.",
        "\"{name}\" is too large ({size}). At most {max} for each file are possible.",
    ),
    (
        "file_too_many",
        "„{name}“ haben wir nicht übernommen: Höchstens {max} Dateien sind hier möglich.",
        "We did not take \"{name}\": at most {max} files are possible here.",
    ),
    (
        "file_empty",
        "„{name}“ ist leer (0 Bytes). Bitte prüfen Sie die Datei und wählen Sie sie noch einmal aus.",
        "\"{name}\" is empty (0 bytes). Please check the file and choose it once more.",
    ),
    (
        "file_gone",
        "„{name}“ ist nicht mehr da: Was nicht abgeschickt wird, heben wir nur kurz auf. Bitte wählen Sie die Datei noch einmal aus.",
        "\"{name}\" is no longer there: what is not sent we keep for a short time only. Please choose the file once more.",
    ),
];
