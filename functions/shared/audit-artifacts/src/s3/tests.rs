mod conditions;
mod patience;
mod uploads;
