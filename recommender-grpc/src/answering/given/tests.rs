use super::*;

const BOUNDS: Bounds = Bounds {
    answers: 1000,
    bytes: 1 << 20,
    age: Duration::from_secs(3600),
};

fn of(visitor: &str, bytes: usize) -> Given {
    Given {
        asked: Asked::Recommend(vec![7; bytes]),
        left_out: Vec::new(),
        shown: Shown::default(),
        model: "model-1".into(),
        seen: None,
        time: Timestamp(1),
        persons: Persons::new(&[Identifier::visitor(visitor).unwrap()]),
    }
}

fn ann() -> [Identifier; 1] {
    ["visitor:ann".parse().unwrap()]
}

#[test]
fn an_answer_is_found_by_its_token_and_by_no_other() {
    let answers = GivenAnswers::new(BOUNDS);
    let tokens: Vec<String> = (0..100)
        .map(|size| answers.keep(Some(of("ann", size))))
        .collect();
    for (size, token) in tokens.iter().enumerate() {
        let found = answers.find(token).unwrap();
        assert_eq!(found.asked, Asked::Recommend(vec![7; size]));
    }
    let other = GivenAnswers::new(BOUNDS);
    assert_eq!(other.find(&tokens[0]).unwrap_err(), Lost::Foreign);
    assert_eq!(answers.find("token").unwrap_err(), Lost::Malformed);
    let unkept = answers.keep(None);
    assert_eq!(answers.find(&unkept).unwrap_err(), Lost::Forgotten);
}

#[test]
fn the_oldest_are_forgotten_where_there_are_too_many_or_too_much() {
    let answers = GivenAnswers::new(Bounds {
        answers: 3,
        ..BOUNDS
    });
    let tokens: Vec<String> = (0..5).map(|_| answers.keep(Some(of("ann", 9)))).collect();
    let here: Vec<bool> = tokens.iter().map(|it| answers.find(it).is_ok()).collect();
    assert_eq!(here, [false, false, true, true, true]);
    assert_eq!(answers.find(&tokens[0]).unwrap_err(), Lost::Forgotten);

    let answers = GivenAnswers::new(BOUNDS);
    let largest = BOUNDS.bytes / LARGEST_SHARE - 2 * ITSELF;
    let tokens: Vec<String> = (0..200)
        .map(|_| answers.keep(Some(of("ann", largest))))
        .collect();
    let here = tokens.iter().filter(|it| answers.find(it).is_ok()).count();
    assert!((LARGEST_SHARE..LARGEST_SHARE + 3).contains(&here), "{here}");
    assert!(answers.lately().bytes <= BOUNDS.bytes);
    let large = answers.keep(Some(of("ann", BOUNDS.bytes / LARGEST_SHARE)));
    assert_eq!(answers.find(&large).unwrap_err(), Lost::Forgotten);
    assert!(answers.find(&tokens[199]).is_ok(), "it drove nothing out");
}

/// Set in a process of its own that is to measure and does nothing else.
const MEASURES: &str = "RECOMMENDER_TEST_MEASURES_ANSWERS";

fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = pages.split_whitespace().nth(1).unwrap();
    4096 * resident.parse::<usize>().unwrap()
}

/// Keeps answers of twenty products until their room is full, and holds what they take against what is counted.
fn measure() {
    let answers = GivenAnswers::within(24 << 20);
    let before = resident_bytes();
    let mut kept = 0;
    while answers.lately().first == 0 {
        let shown = Shown {
            offset: 0,
            keys: vec![7; 20],
        };
        let given = Given {
            model: "2026-11-22T21:24:27Z-4f2a".into(),
            shown,
            ..of("ann", 80 + kept % 200)
        };
        answers.keep(Some(given));
        kept += 1;
    }
    let (grown, counted) = (resident_bytes() - before, answers.lately().bytes);
    assert!(counted > 20 << 20, "{counted} bytes are kept");
    let ratio = counted as f64 / grown as f64;
    println!("{kept} answers: counted {counted}, measured {grown}, ratio {ratio:.3}");
    assert!((ratio - 1.0).abs() <= 0.2, "{counted} of {grown}");
}

#[cfg(target_os = "linux")]
#[test]
fn answers_take_the_memory_that_is_counted() {
    if std::env::var_os(MEASURES).is_some() {
        return measure();
    }
    let name = "answering::given::tests::answers_take_the_memory_that_is_counted";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(MEASURES, "")
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}");
    println!("{said}");
}

#[test]
fn what_is_too_old_is_forgotten() {
    let answers = GivenAnswers::new(Bounds {
        age: Duration::ZERO,
        ..BOUNDS
    });
    let token = answers.keep(Some(of("ann", 9)));
    while answers.find(&token).is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(answers.find(&token).unwrap_err(), Lost::Forgotten);
    assert_eq!(answers.lately().bytes, 0);
}

#[test]
fn a_person_is_forgotten_and_the_others_are_not() {
    let answers = GivenAnswers::new(BOUNDS);
    let visitors = ["ann", "bob"].into_iter().cycle().take(900);
    let tokens: Vec<_> = visitors
        .map(|visitor| (visitor, answers.keep(Some(of(visitor, 9)))))
        .collect();
    answers.0.erased(Some(&ann()));
    for (visitor, token) in &tokens {
        assert_eq!(answers.find(token).is_ok(), *visitor == "bob");
    }
    let later = answers.keep(Some(of("ann", 9)));
    assert!(answers.find(&later).is_ok(), "she is a new person");
    answers.0.erased(None);
    assert!(tokens.iter().all(|(_, token)| answers.find(token).is_err()));
    assert_eq!(answers.lately().bytes, 0);
}

#[test]
fn places_count_from_the_start_of_the_list() {
    let hashes = ["cup", "pot"].map(hash);
    let shown = Shown {
        offset: 20,
        keys: hashes.into(),
    };
    assert_eq!(shown.place_of("pot"), Some(22));
    assert_eq!(shown.place_of("jar"), None);
}
